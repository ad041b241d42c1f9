import Graphs
import Kernels
import Tensors

/// The sum of quantised numbers, quantised: `C = saturate(round(((A - A_zero) A_scale +
/// (B - B_zero) B_scale) / C_scale + C_zero))`.
///
/// - `A`, `B`: int8 or uint8, shapes that broadcast. Scales: float32, one element; zero points
///   (optional, 0): A's type, one element. `C`: A's type.
/// - Errors: `.shape` for shapes that do not broadcast and for more than one scale; `.dtype`.
/// - Edges: rounds to nearest, ties to even, the zero point added first. The factors are divided by
///   `C_scale` before, and sums are fused as in ONNX Runtime, so that codes are the same.
/// - Source: com.microsoft QLinearAdd 1.
public struct QLinearAdd: ByteBinary {
  public static let schema = Schema(
    "QLinearAdd", domain: "com.microsoft", versions: [1], inputs: byteBinaryInputs(),
    outputs: [Parameter("C", MatMulInteger.types)],
    cases: { try byteBinaryCases(QLinearAdd()) })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel: Kernel = { plan, a, aScale, b, bScale, y, yScale, isSigned, pool in
    QuantizedBytes.add(plan, a, aScale, b, bScale, y, yScale, isSigned: isSigned, pool: pool)
  }
}
