import Graphs
import Kernels
import Tensors

/// Quantised numbers with a scale and zero point of their own:
/// `y_scale = (max(0, max x) - min(0, min x)) / 255`, `y_zero_point = round(-min(0, min x) /
/// y_scale)`, `y = saturate(round(x / y_scale) + y_zero_point)`, ties to even.
///
/// - `x`: float32, any shape. `y`: uint8, the same shape. `y_scale`: float32 scalar.
///   `y_zero_point`: uint8 scalar.
/// - Edges: zeros only, or no elements, give the scale 1/255 and the zero point 0. NaN does not
///   count for the range and becomes 0.
/// - Source: ONNX DynamicQuantizeLinear 11.
public struct DynamicQuantizeLinear: Operator {
  public static let schema = Schema(
    "DynamicQuantizeLinear", versions: [11],
    inputs: [Parameter("x", DTypes(.float32), "T1")],
    outputs: [
      Parameter("y", DTypes(.uint8), "T2"), Parameter("y_scale", DTypes(.float32), ""),
      Parameter("y_zero_point", DTypes(.uint8), "T2"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 3], [0, 2, -3, -2.5, 1.34, 0.5] as [Float])
      let up = try Tensor([1, 2.1, 1.3, 2.5, 3.34, 4] as [Float])
      return [
        .init(DynamicQuantizeLinear(), [x], outputCount: 3),
        .init(DynamicQuantizeLinear(), [up], outputCount: 3),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.uint8, c.dims(0)), Fact(.float32, []), Fact(.uint8, [])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let count = x.count
    let kernel = QuantizeKernel(
      from: x.dtype, scale: .float32, to: .uint8, precision: .single, saturates: true,
      rows: QuantRows(tensor: count))
    guard let kernel, x.dtype == .float32 else { throw p.noKernel() }
    let (wantsScale, wantsZero) = (p.wants(1), p.wants(2))
    return Prepared(scratchBytes: max(512, 64 + kernel.scratchBytes), label: "quantize uint8") {
      m in
      let x = m.input(0, Float.self)
      let (low, high) = FloatCodes.range(
        count, x, scratch: m.scratch.assumingMemoryBound(to: Float.self), pool: m.pool)
      let found = FloatCodes.uint8(low: low, high: high)
      let (scale, code) = (found.scale, UInt8(found.zero))
      m.scratch.storeBytes(of: scale, as: Float.self)
      m.scratch.storeBytes(of: code, toByteOffset: 4, as: UInt8.self)
      kernel.run(
        x, scale: m.scratch, zero: m.scratch + 4, m.outputs[0], scratch: m.scratch + 64,
        pool: m.pool)
      if wantsScale { m.output(1, Float.self)[0] = scale }
      if wantsZero { m.output(2, UInt8.self)[0] = code }
    }
  }
}
