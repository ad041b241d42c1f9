import Graphs
import Kernels
import Tensors

/// ONNX's DequantizeLinear in com.microsoft's domain: `y = (x - x_zero_point) * x_scale`.
///
/// - `x`: int4, uint4, int8, uint8, int16, uint16 or int32, any shape. `x_scale`: float16 or
///   float32; `x_zero_point` (optional, 0): x's type. Scales, attributes, errors: as
///   DequantizeLinear.
/// - Source: com.microsoft DequantizeLinear 1, and its use of `block_size`.
public struct ContribDequantizeLinear: RenamedOperator {
  public let inner: DequantizeLinear

  static let codes = DTypes(.int4, .uint4, .int8, .uint8, .int16, .uint16, .int32)
  static let real = DTypes(.float16, .float32)
  /// Both attributes, in every version of this domain.
  static let specs = QuantScales.specs.map { AttributeSpec($0.name, $0.kind, $0.doc) }

  public static let schema = Schema(
    "DequantizeLinear", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("x", codes, "T1"), Parameter("x_scale", real, "T2"),
      .optional("x_zero_point", codes, "T1"),
    ],
    outputs: [Parameter("y", real, "T2")], attributes: specs,
    cases: {
      let x = try Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6] as [UInt16])
      let (s, t) = (try Tensor(scalar: 2 as Float), try Tensor([1, 2, 4] as [Float]))
      return [
        .init(ContribDequantizeLinear(), [x, s]),
        .init(
          ContribDequantizeLinear(.init(axis: 0)), [x, t, try Tensor([1, 2, 3] as [UInt16])]),
      ]
    })

  public init(_ scales: QuantScales = .init()) { inner = DequantizeLinear(scales: scales) }
  public init(reading a: AttributeReader) throws(EngineError) {
    inner = DequantizeLinear(scales: try QuantScales(reading: a))
  }
  public var attributes: [Attribute] { inner.attributes }
}
