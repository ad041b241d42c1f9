import Graphs
import Kernels
import Tensors

/// `Y = X sigmoid(alpha X)`; with alpha 1 also known as SiLU.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: factor inside the sigmoid; default 1.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `dY (s + alpha X s (1 - s))` with `s = sigmoid(alpha X)`.
/// - Source: ONNX Swish 24.
public struct Swish: UnaryElementwise {
  public let alpha: Float

  public static let schema = Schema(
    "Swish", versions: [24], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "factor inside the sigmoid; default 1")
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Swish(), [x]), .init(Swish(alpha: 0.5), [x])]
    })

  public init(alpha: Float = 1) {
    self.alpha = alpha
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public static let kernel = UnaryOp.swish
  public var parameters: (Double, Double) { (Double(alpha), 0) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let s = try b.apply(Sigmoid(), times(b, x, Double(alpha)))
    let slope = try times(b, times(b, s, minus(b, 1, s)), Double(alpha))
    g.give(0, try times(b, dy, plus(b, s, times(b, x, slope))))
  }
}
