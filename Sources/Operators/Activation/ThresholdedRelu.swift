import Graphs
import Kernels
import Tensors

/// `Y = X` where `X > alpha`, 0 elsewhere.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: threshold; default 1.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN, which is not above the threshold, becomes 0.
/// - Gradient: `dY` where `X > alpha`, 0 elsewhere.
/// - Source: ONNX ThresholdedRelu 10, 22.
public struct ThresholdedRelu: UnaryElementwise {
  public let alpha: Float

  public static let schema = Schema(
    "ThresholdedRelu", versions: [10, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "threshold; default 1")
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(ThresholdedRelu(), [x]), .init(ThresholdedRelu(alpha: 0.3), [x])]
    })

  public init(alpha: Float = 1) {
    self.alpha = alpha
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public static let kernel = UnaryOp.thresholdedRelu
  public var parameters: (Double, Double) { (Double(alpha), 0) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try masked(b, dy, where: isGreater(b, x, Double(alpha))))
  }
}
