import Graphs
import Kernels
import Tensors

/// The mean of each channel of quantised numbers, quantised: `Y = saturate(round(sum(X - X_zero)
/// (X_scale / (Y_scale n))) + Y_zero)` over the `n` places of all spatial axes.
///
/// - `X`: int8 or uint8, `[N, C, D1, ...]`, or `[N, D1, ..., C]` with `channels_last`. Scales:
///   float32, one element; zero points: X's type, one element. `Y`: X's type, spatial sizes 1.
/// - `channels_last`: default 0.
/// - Errors: `.shape` for a rank below 3 and for more than one scale.
/// - Edges: sums are exact; ties round to even. Without places the result is the zero point.
/// - Source: com.microsoft QLinearGlobalAveragePool 1.
public struct QLinearGlobalAveragePool: Operator {
  public let channelsLast: Bool

  public static let schema = Schema(
    "QLinearGlobalAveragePool", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", MatMulInteger.types), Parameter("x_scale", DTypes(.float32), ""),
      Parameter("x_zero_point", MatMulInteger.types), Parameter("y_scale", DTypes(.float32), ""),
      Parameter("y_zero_point", MatMulInteger.types),
    ],
    outputs: [Parameter("Y", MatMulInteger.types)],
    attributes: [AttributeSpec("channels_last", .int, "1: X lies as [N, D1, ..., C]; default 0")],
    cases: {
      let x = try Tensor(shape: [2, 2, 3, 3], (0..<36).map { UInt8($0 * 7) })
      let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.057 as Float))
      let (y, z) = (try Tensor(scalar: 10 as UInt8), try Tensor(scalar: 3 as UInt8))
      return [
        .init(QLinearGlobalAveragePool(), [x, s, y, t, z]),
        .init(QLinearGlobalAveragePool(channelsLast: true), [x, s, y, t, z]),
      ]
    })

  public init(channelsLast: Bool = false) { self.channelsLast = channelsLast }
  public init(reading a: AttributeReader) throws(EngineError) {
    channelsLast = try a.bool("channels_last", default: false)
  }
  public var attributes: [Attribute] { [.bool("channels_last", channelsLast)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    guard x.count >= 3 else { throw poolRank("\(x)") }
    let channels = channelsLast ? x.count - 1 : 1
    return [Fact(c.dtype(0), x.indices.map { $0 == 0 || $0 == channels ? x[$0] : 1 })]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    let from = try ByteScaleInputs(p, "X", dtype: x.dtype, scale: 1, zero: 2)
    let to = try ByteScaleInputs(p, "Y", dtype: x.dtype, scale: 3, zero: 4)
    let (planes, isSigned) = (y.count, x.dtype == .int8)
    let n = planes == 0 ? 0 : x.count / planes
    let inner = channelsLast ? x.shape[x.shape.rank - 1] : 1
    return Prepared(label: "global average pool int8") { m in
      QuantizedBytes.means(
        m.inputs[0], from.read(m), planes: planes, n: n, inner: inner, m.outputs[0], to.read(m),
        isSigned: isSigned, pool: m.pool)
    }
  }
}
