import Graphs
import Tensors

/// Its input: an example of an operator.
///
/// - `X`: uint32, uint64, int32, int64, float16, float32 or float64. `Y`: `X`.
/// - Source: com.microsoft SampleOp 1.
public struct SampleOp: RenamedOperator {
  static let types = DTypes(.uint32, .uint64, .int32, .int64, .float16, .float32, .float64)
  public static let schema = Schema(
    "SampleOp", domain: "com.microsoft", versions: [1], inputs: [Parameter("X", types)],
    outputs: [Parameter("Y", types)],
    isDifferentiable: true,
    cases: { [.init(SampleOp(), [try Tensor([1, 2, 3] as [Float])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}
  public var inner: Identity { Identity() }
}
