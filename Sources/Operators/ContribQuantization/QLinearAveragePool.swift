import Graphs
import Kernels
import Tensors

/// AveragePool of quantised numbers, quantised: `Y = saturate(round(mean / Y_scale + Y_zero))`,
/// with the means of `(X - X_zero) X_scale`.
///
/// - `X`: int8 or uint8, `[N, C, D1, ...]`, or `[N, D1, ..., C]` with `channels_last`. Scales:
///   float32, one element; zero points (optional, 0): X's type, one element. `Y`: X's type.
/// - Attributes: as AveragePool, and `channels_last` (default 0).
/// - Errors: as AveragePool; `.shape` for more than one scale.
/// - Edges: a pad that counts is the real number 0; where pads count, so does what a last window of
///   `ceil_mode` covers behind them. Means are sums in float32, in the order of the
///   window; ties round to even, the zero point added first.
/// - Source: com.microsoft QLinearAveragePool 1.
public struct QLinearAveragePool: Operator {
  public let pool: AveragePool
  public let channelsLast: Bool

  public static let schema = Schema(
    "QLinearAveragePool", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", MatMulInteger.types), Parameter("x_scale", DTypes(.float32), ""),
      .optional("x_zero_point", MatMulInteger.types), Parameter("y_scale", DTypes(.float32), ""),
      .optional("y_zero_point", MatMulInteger.types),
    ],
    outputs: [Parameter("Y", MatMulInteger.types)],
    attributes: poolSpecs + [
      AttributeSpec("channels_last", .int, "1: X lies as [N, D1, ..., C]; default 0"),
      AttributeSpec("count_include_pad", .int, "1: pads count as zeros; default 0"),
    ],
    cases: {
      let x = try Tensor(shape: [1, 2, 4, 5], (0..<40).map { UInt8($0 * 6) })
      let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.057 as Float))
      let (y, z) = (try Tensor(scalar: 10 as UInt8), try Tensor(scalar: 3 as UInt8))
      let window = Window(kernel: [3, 2], strides: [2, 1], padsBegin: [1, 0], padsEnd: [1, 1])
      return [
        .init(QLinearAveragePool(AveragePool(window)), [x, s, y, t, z]),
        .init(
          QLinearAveragePool(AveragePool(window, countsPads: true), channelsLast: true),
          [try x.reshaped([1, 4, 5, 2]), s, nil, t, nil]),
      ]
    })

  public init(_ pool: AveragePool, channelsLast: Bool = false) {
    self.pool = pool
    self.channelsLast = channelsLast
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    pool = try AveragePool(reading: a)
    channelsLast = try a.bool("channels_last", default: false)
  }
  public var attributes: [Attribute] {
    pool.attributes + (channelsLast ? [.bool("channels_last", true)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if channelsLast { return try ChannelsLast(images: [0]).infer(QLinearAveragePool(pool), c) }
    return try pool.infer(c)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if channelsLast { return try ChannelsLast(images: [0]).prepare(QLinearAveragePool(pool), p) }
    let (x, y) = (try p.input(0), try p.output(0))
    let from = try ByteScaleInputs(p, "X", dtype: x.dtype, scale: 1, zero: 2)
    let to = try ByteScaleInputs(p, "Y", dtype: x.dtype, scale: 3, zero: 4)
    let kernel = try self.kernel(x.shape)
    let (xCount, yCount, isSigned) = (x.count, y.count, x.dtype == .int8)
    let place = (xCount * 4 + 63) / 64 * 64
    return Prepared(scratchBytes: place + yCount * 4, label: "average pool int8") { m in
      let wide = m.scratch.assumingMemoryBound(to: Float.self)
      let means = (m.scratch + place).assumingMemoryBound(to: Float.self)
      QuantizedBytes.dequantize(
        count: xCount, m.inputs[0], from.read(m), isSigned: isSigned, wide, pool: m.pool)
      // In ONNX Runtime's order, so that ties round as there.
      kernel.run(.float32, wide, into: means, pool: m.pool, inOrder: true)
      QuantizedBytes.quantize(
        count: yCount, means, to.read(m), isSigned: isSigned, m.outputs[0], pool: m.pool)
    }
  }

  private func kernel(_ shape: Shape) throws(EngineError) -> PoolKernel {
    guard shape.rank >= 3 else { throw poolRank("\(shape)") }
    let w = try pool.window.concrete(inputSpatial: Array(shape.array[2...]))
    let axes = w.input.indices.map { i in
      let reach = (w.output[i] - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1
      return PoolKernel.Axis(
        kernel: w.kernel[i], stride: w.strides[i], dilation: w.dilations[i],
        padBegin: w.padsBegin[i],
        padEnd: max(w.padsEnd[i], pool.countsPads ? reach - w.input[i] - w.padsBegin[i] : 0),
        input: w.input[i], output: w.output[i])
    }
    return try PoolKernel(
      .average(countsPads: pool.countsPads), planes: shape[0] * shape[1], axes: axes)
  }
}
