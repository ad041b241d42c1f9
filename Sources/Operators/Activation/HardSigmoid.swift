import Graphs
import Kernels
import Tensors

/// Sigmoid of three straight pieces: `Y = max(0, min(1, alpha X + beta))`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: slope; default 0.2.
/// - `beta`: value at 0; default 0.5.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `alpha dY` where `0 < Y < 1`, 0 elsewhere.
/// - Source: ONNX HardSigmoid 1, 6, 22.
public struct HardSigmoid: UnaryElementwise {
  public let alpha: Float
  public let beta: Float

  public static let schema = Schema(
    "HardSigmoid", versions: [1, 6, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("alpha", .float, "slope; default 0.2"),
      AttributeSpec("beta", .float, "value at 0; default 0.5"),
      .consumedInputs,
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(HardSigmoid(), [x]), .init(HardSigmoid(alpha: 0.75, beta: 0.4), [x])]
    })

  public init(alpha: Float = 0.2, beta: Float = 0.5) {
    self.alpha = alpha
    self.beta = beta
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 0.2)
    beta = try a.float("beta", default: 0.5)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha), .float("beta", beta)] }

  public static let kernel = UnaryOp.hardSigmoid
  public var parameters: (Double, Double) { (Double(alpha), Double(beta)) }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    let inside = try b.apply(And(), isGreater(b, y, 0), isLess(b, y, 1))
    g.give(0, try masked(b, times(b, dy, Double(alpha)), where: inside))
  }
}
