import Graphs
import Kernels
import Tensors

/// Sign: 1 above 0, -1 below, 0 at 0.
///
/// - `input`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, any shape; the
///   result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN and -0 stay as they are.
/// - Source: ONNX Sign 9, 13.
public struct Sign: UnaryElementwise {
  public static let schema = Schema(
    "Sign", versions: [9, 13], inputs: [Parameter("input", .numeric)],
    outputs: [Parameter("output", .numeric)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.25, -1.25, 0.5] as [Float])
      return [.init(Sign(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.sign
  public static func integer(_ x: Dim) -> Dim? { x.known.map { Dim($0.signum()) } }
}

extension Sign {
  /// None is handed in: the result is constant but for its jumps.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {}
}
