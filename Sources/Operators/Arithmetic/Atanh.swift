import Graphs
import Kernels
import Tensors

/// Inverse hyperbolic tangent.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: infinite at -1 and 1, NaN beyond.
/// - Accuracy: float64 and float32 as the C library; 16-bit floats are rounded once from float32.
/// - Gradient: `dY / (1 - input^2)`.
/// - Source: ONNX Atanh 9, 22.
public struct Atanh: UnaryElementwise {
  public static let schema = Schema(
    "Atanh", versions: [9, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [0.5, -0.75, 0.25, -0.1, 0.9, -0.3] as [Float])
      return [.init(Atanh(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.atanh

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try over(b, dy, minus(b, 1, times(b, x, x))))
  }
}
