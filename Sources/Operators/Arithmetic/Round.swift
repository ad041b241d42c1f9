import Graphs
import Kernels
import Tensors

/// The nearest integer, halves to the even one.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: infinities, NaN and -0 stay.
/// - Source: ONNX Round 11, 22.
public struct Round: UnaryElementwise {
  public static let schema = Schema(
    "Round", versions: [11, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.4, -0.75, 0.25, 2.6, -1.25, 0.6] as [Float])
      return [.init(Round(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.round
}

extension Round {
  /// None is handed in: the result is constant but for its jumps.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {}
}
