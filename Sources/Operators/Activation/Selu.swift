import Graphs
import Kernels
import Tensors

/// Scaled exponential linear unit: `Y = gamma X` where `X > 0`, `gamma alpha (e^X - 1)` elsewhere.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: scale below 0; default 1.6732632.
/// - `gamma`: scale of the whole; default 1.050701.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `gamma dY` where `X > 0`, `dY (Y + gamma alpha)` elsewhere.
/// - Source: ONNX Selu 1, 6, 22.
public struct Selu: UnaryElementwise {
  public let alpha: Float
  public let gamma: Float

  public static let schema = Schema(
    "Selu", versions: [1, 6, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "scale below 0; default 1.6732632"),
      AttributeSpec("gamma", .float, "scale of the whole; default 1.050701"),
      .consumedInputs,
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Selu(), [x]), .init(Selu(alpha: 2, gamma: 0.5), [x])]
    })

  public init(alpha: Float = 1.67326319217681884765625, gamma: Float = 1.05070102214813232421875) {
    self.alpha = alpha
    self.gamma = gamma
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    // The numbers came with more digits in opset 6.
    alpha = try a.float("alpha", default: a.opset < 6 ? 1.6732 : 1.67326319217681884765625)
    gamma = try a.float("gamma", default: a.opset < 6 ? 1.0507 : 1.05070102214813232421875)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha), .float("gamma", gamma)] }

  public static let kernel = UnaryOp.selu
  public var parameters: (Double, Double) { (Double(alpha), Double(gamma)) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), y = g.output, dy = try g.upstream()
    let below = try times(b, dy, plus(b, y, Double(alpha) * Double(gamma)))
    let above = try times(b, dy, Double(gamma))
    g.give(0, try b.apply(Where(), isGreater(b, x, 0), above, below))
  }
}
