import Graphs
import Kernels
import Tensors

/// Slices of a table whose elements are quantised in blocks, as real numbers: `Y = (code - zero) *
/// scale`.
///
/// - `data`: int4, uint4, 8-bit floats, float4e2m1, or uint8 that holds codes of 2, 4 or 8 `bits`
///   packed along the last axis, low bits first. `indices`: int32 or int64, any shape. `scales`:
///   float16, bfloat16 or float32, data's sizes with blocks along `quantize_axis`; other sizes may
///   be 1 for floats. `zero_points` (optional): data's type, the scales' sizes, packed as data is.
///   Without them 0 for int4 and uint4, `2^(bits - 1)` for uint8. None for floats.
/// - Result: the scales' type; data's (unpacked) sizes with `gather_axis` replaced by the indices'.
/// - `gather_axis` (default 0), `quantize_axis` (default 1), `block_size` (default 128; a power of
///   two from 16, or 0 for floats: one block), `bits` (default 4).
/// - Errors: `.attribute`; `.shape` for sizes that do not fit.
/// - Edges: an index out of range gives zeros. Indices from -s count from the end.
/// - Source: com.microsoft GatherBlockQuantized 1.
public struct GatherBlockQuantized: Operator {
  public let bits: Int
  public let block: Int
  public let gatherAxis: Int
  public let quantizeAxis: Int

  static let codes: DTypes = [
    DTypes(.int4, .uint4, .uint8, .float8e4m3fn, .float8e4m3fnuz),
    DTypes(.float8e5m2, .float8e5m2fnuz, .float4e2m1),
  ]

  public static let schema = Schema(
    "GatherBlockQuantized", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("data", codes, "T1"), Parameter("indices", .indices, "Tind"),
      Parameter("scales", MatMulNBits.real, "T2"), .optional("zero_points", codes, "T1"),
    ],
    outputs: [Parameter("output", MatMulNBits.real, "T2")],
    attributes: [
      AttributeSpec("bits", .int, "bits of a code in uint8 data: 2, 4 (default) or 8"),
      AttributeSpec("block_size", .int, "elements that share a scale; default 128"),
      AttributeSpec("gather_axis", .int, "the axis of the indices; default 0"),
      AttributeSpec("quantize_axis", .int, "the axis of the blocks; default 1"),
    ],
    cases: {
      let data = try Tensor(shape: [3, 20], (0..<60).map { UInt8($0 * 37 % 256) })
      let rows = try Tensor(shape: [2, 2], [2, 0, -1, 7] as [Int64])
      let scales = try Tensor(shape: [3, 2], [0.5, 0.25, 1, 0.75, 2, 0.125] as [Float])
      let zeros = try Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6] as [UInt8])
      let wide = try Tensor(shape: [3, 3], (0..<9).map { Float($0) / 4 + 0.25 })
      return [
        .init(GatherBlockQuantized(bits: 8, block: 16), [data, rows, scales, zeros]),
        .init(GatherBlockQuantized(bits: 4, block: 16), [data, rows, wide]),
      ]
    })

  public init(bits: Int = 4, block: Int = 128, gatherAxis: Int = 0, quantizeAxis: Int = 1) {
    self.bits = bits
    self.block = block
    self.gatherAxis = gatherAxis
    self.quantizeAxis = quantizeAxis
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    bits = try a.int("bits", default: 4)
    block = try a.int("block_size", default: 128)
    gatherAxis = try a.int("gather_axis", default: 0)
    quantizeAxis = try a.int("quantize_axis", default: 1)
    guard bits == 2 || bits == 4 || bits == 8 else {
      throw EngineError(
        .attribute, "attribute 'bits' has no legal value", expected: "2, 4 or 8",
        received: "\(bits)")
    }
    guard block == 0 || block >= 16 && block <= 1 << 24 && block & (block - 1) == 0 else {
      throw EngineError(
        .attribute, "attribute 'block_size' is no power of two from 16", received: "\(block)")
    }
  }
  public var attributes: [Attribute] {
    [
      .int("bits", bits), .int("block_size", block), .int("gather_axis", gatherAxis),
      .int("quantize_axis", quantizeAxis),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(2)
    guard var data = c.dims(0), let indices = c.dims(1), let kind = c.dtype(0) else {
      return [Fact(dtype, nil)]
    }
    let at = try normalisedAxis(gatherAxis, rank: data.count, name: "gather_axis")
    _ = try normalisedAxis(quantizeAxis, rank: data.count, name: "quantize_axis")
    if kind == .uint8, let last = data.last {
      data[data.count - 1] = try settled(last * Dim(8 / bits), from: last)
    }
    let dims = data[..<at] + indices + data[(at + 1)...]
    try checkSizes(Array(dims))
    return [Fact(dtype, Array(dims))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let gather = try BlockGather(
      p, bits: bits, block: block, gatherAxis: gatherAxis, quantizeAxis: quantizeAxis)
    return Prepared(label: "gather blocks") { m in gather.run(m) }
  }
}
