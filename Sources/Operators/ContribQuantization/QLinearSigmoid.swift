import Graphs
import Kernels
import Tensors

/// The sigmoid of quantised numbers, quantised: `Y = saturate(round(f((X - X_zero) X_scale) /
/// Y_scale) + Y_zero)` with `f(x) = 1 / (1 + e^-x)`.
///
/// - `X`: int8 or uint8, any shape. Scales: float32, one element; zero points (optional, 0): X's
///   type, one element. `Y`: X's type and shape.
/// - Errors: `.shape` for more than one scale or zero point; `.dtype`.
/// - Cost: a table of the 256 results a run.
/// - Source: com.microsoft QLinearSigmoid 1.
public struct QLinearSigmoid: ByteUnary {
  public static let schema = Schema(
    "QLinearSigmoid", domain: "com.microsoft", versions: [1], inputs: byteUnaryInputs(),
    outputs: [Parameter("Y", MatMulInteger.types)],
    cases: { try byteUnaryCases(QLinearSigmoid(), scale: 0.004) })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func apply(_ x: Float) -> Float { Float(1 / (1 + Double.exponential(-Double(x)))) }
}
