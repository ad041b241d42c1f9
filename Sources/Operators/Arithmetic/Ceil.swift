import Graphs
import Kernels
import Tensors

/// The smallest integer not below each element.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: infinities, NaN and -0 stay.
/// - Source: ONNX Ceil 1, 6, 13.
public struct Ceil: UnaryElementwise {
  public static let schema = Schema(
    "Ceil", versions: [1, 6, 13], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.25, -1.25, 0.5] as [Float])
      return [.init(Ceil(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.ceil
}

extension Ceil {
  /// None is handed in: the result is constant but for its jumps.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {}
}
