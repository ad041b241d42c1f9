import Graphs
import Kernels
import Tensors

/// Hyperbolic tangent.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: 1 at inf, -1 at -inf.
/// - Accuracy: float32 1.4 ulp; float64 as the C library; 16-bit floats are rounded once from
///   float32.
/// - Gradient: `dY (1 - output^2)`.
/// - Source: ONNX Tanh 1, 6, 13.
public struct Tanh: UnaryElementwise {
  public static let schema = Schema(
    "Tanh", versions: [1, 6, 13], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Tanh(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.tanh

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    g.give(0, try times(b, dy, minus(b, 1, times(b, y, y))))
  }
}
