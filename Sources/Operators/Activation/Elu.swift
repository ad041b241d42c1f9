import Graphs
import Kernels
import Tensors

/// Exponential linear unit: `Y = X` where `X >= 0`, `alpha (e^X - 1)` below.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: scale below 0; default 1.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays; -alpha at -inf.
/// - Gradient: `dY` where `X >= 0`, `dY (Y + alpha)` below.
/// - Source: ONNX Elu 1, 6, 22.
public struct Elu: UnaryElementwise {
  public let alpha: Float

  public static let schema = Schema(
    "Elu", versions: [1, 6, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "scale below 0; default 1"),
      .consumedInputs,
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Elu(), [x]), .init(Elu(alpha: 0.5), [x])]
    })

  public init(alpha: Float = 1) {
    self.alpha = alpha
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public static let kernel = UnaryOp.elu
  public var parameters: (Double, Double) { (Double(alpha), 0) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), y = g.output, dy = try g.upstream()
    let below = try times(b, dy, plus(b, y, Double(alpha)))
    g.give(0, try b.apply(Where(), isLess(b, x, 0), below, dy))
  }
}
