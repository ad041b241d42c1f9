import Graphs
import Kernels
import Tensors

/// Continuously differentiable exponential linear unit: `Y = max(0, X) + min(0, alpha (e^(X /
/// alpha) - 1))`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: scale and width below 0; default 1.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `dY` where `X > 0`, `dY (Y / alpha + 1)` elsewhere.
/// - Source: ONNX Celu 12, 28.
public struct Celu: UnaryElementwise {
  public let alpha: Float

  public static let schema = Schema(
    "Celu", versions: [12, 28], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "scale and width below 0; default 1")
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Celu(), [x]), .init(Celu(alpha: 2), [x])]
    })

  public init(alpha: Float = 1) {
    self.alpha = alpha
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public static let kernel = UnaryOp.celu
  public var parameters: (Double, Double) { (Double(alpha), 0) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), y = g.output, dy = try g.upstream()
    let below = try times(b, dy, plus(b, times(b, y, 1 / Double(alpha)), 1))
    g.give(0, try b.apply(Where(), isGreater(b, x, 0), dy, below))
  }
}
