import Graphs
import Kernels
import Tensors

/// ONNX's QuantizeLinear in com.microsoft's domain: `y = saturate(round(x / y_scale) +
/// y_zero_point)`, ties to even.
///
/// - `x`, `y_scale`: float16 or float32. `y_zero_point` (optional, 0): int4, uint4, int8, uint8,
///   int16 or uint16. Scales, attributes, errors: as QuantizeLinear.
/// - `y`: the type of `y_zero_point`, uint8 without one.
/// - Accuracy: the quotient in float32.
/// - Source: com.microsoft QuantizeLinear 1, and its use of `block_size`.
public struct ContribQuantizeLinear: RenamedOperator {
  public let inner: QuantizeLinear

  static let codes = DTypes(.int4, .uint4, .int8, .uint8, .int16, .uint16)

  public static let schema = Schema(
    "QuantizeLinear", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("x", ContribDequantizeLinear.real, "T1"),
      Parameter("y_scale", ContribDequantizeLinear.real, "T1"),
      .optional("y_zero_point", codes, "T2"),
    ],
    outputs: [Parameter("y", codes, "T2")], attributes: ContribDequantizeLinear.specs,
    cases: {
      let x = try Tensor(shape: [3, 2], [0.7, 2, 13.1, 40, -5, 6] as [Float])
      let (s, t) = (try Tensor(scalar: 2 as Float), try Tensor([1, 2, 4] as [Float]))
      return [
        .init(ContribQuantizeLinear(), [x, s]),
        .init(ContribQuantizeLinear(.init(axis: 0)), [x, t, try Tensor([1, 2, 3] as [Int16])]),
      ]
    })

  public init(_ scales: QuantScales = .init()) { inner = Self.inFloat32(scales) }
  public init(reading a: AttributeReader) throws(EngineError) {
    inner = Self.inFloat32(try QuantScales(reading: a))
  }
  public var attributes: [Attribute] { inner.scales.attributes }

  private static func inFloat32(_ scales: QuantScales) -> QuantizeLinear {
    QuantizeLinear(scales: scales, precision: .float32)
  }
}
