import Graphs
import Kernels
import Tensors

/// LeakyRelu of quantised numbers, quantised: `Y = saturate(round(f((X - X_zero) X_scale) /
/// Y_scale) + Y_zero)` with `f(x) = x < 0 ? alpha x : x`.
///
/// - `X`: int8 or uint8, any shape. Scales: float32, one element; zero points (optional, 0): X's
///   type, one element. `Y`: X's type and shape.
/// - `alpha`: default 0.01.
/// - Errors: `.shape` for more than one scale or zero point; `.dtype`.
/// - Cost: a table of the 256 results a run.
/// - Source: com.microsoft QLinearLeakyRelu 1.
public struct QLinearLeakyRelu: ByteUnary {
  public let alpha: Float

  public static let schema = Schema(
    "QLinearLeakyRelu", domain: "com.microsoft", versions: [1], inputs: byteUnaryInputs(),
    outputs: [Parameter("Y", MatMulInteger.types)],
    attributes: [AttributeSpec("alpha", .float, "slope below zero; default 0.01")],
    cases: { try byteUnaryCases(QLinearLeakyRelu(alpha: 0.3), scale: 0.05) })

  public init(alpha: Float = 0.01) { self.alpha = alpha }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 0.01)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public func apply(_ x: Float) -> Float { x >= 0 ? x : alpha * x }
}
