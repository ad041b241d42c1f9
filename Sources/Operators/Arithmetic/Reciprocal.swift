import Graphs
import Kernels
import Tensors

/// Reciprocal: `Y = 1 / X`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: infinite at 0, with its sign.
/// - Accuracy: correctly rounded.
/// - Gradient: `-dY Y^2`.
/// - Source: ONNX Reciprocal 1, 6, 13.
public struct Reciprocal: UnaryElementwise {
  public static let schema = Schema(
    "Reciprocal", versions: [1, 6, 13], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Reciprocal(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.reciprocal

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    g.give(0, try b.apply(Neg(), times(b, dy, times(b, y, y))))
  }
}
