import Graphs
import Kernels
import Tensors

/// Rectifier that leaks: `Y = X` where `X >= 0`, `alpha X` below.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: slope below 0; default 0.01.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `dY` where `X >= 0`, `alpha dY` below.
/// - Source: ONNX LeakyRelu 1, 6, 16.
public struct LeakyRelu: UnaryElementwise {
  public let alpha: Float

  public static let schema = Schema(
    "LeakyRelu", versions: [1, 6, 16], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "slope below 0; default 0.01"),
      .consumedInputs,
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(LeakyRelu(), [x]), .init(LeakyRelu(alpha: 0.2), [x])]
    })

  public init(alpha: Float = 0.01) {
    self.alpha = alpha
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 0.01)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public static let kernel = UnaryOp.leakyRelu
  public var parameters: (Double, Double) { (Double(alpha), 0) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let leak = try times(b, dy, Double(alpha))
    g.give(0, try b.apply(Where(), isLess(b, x, 0), leak, dy))
  }
}
