import Graphs
import Kernels
import Tensors

/// What GatherBlockQuantized does, everything settled but the memory.
struct BlockGather: Sendable {
  private let bits: Int
  /// Nil for uint8 data, whose bits are codes.
  private let elements: NumberReader?
  private let scale: NumberReader
  private let result: DType
  private let indices: Indices
  private let indexCount: Int
  /// Sizes before, along and after the axis that is gathered.
  private let outer: Int
  private let size: Int
  private let inner: Int
  /// Distances of the axes of data in elements, of the scales likewise (0 where one serves all).
  private let sizes: Table
  private let scaleStrides: Table
  private let quantized: Int
  private let block: Int
  private let hasZeros: Bool
  private let zeroRow: Int
  private let plainZero: Float

  init(
    _ p: Preparation, bits: Int, block: Int, gatherAxis: Int, quantizeAxis: Int
  ) throws(EngineError) {
    let (data, scales) = (try p.input(0), try p.input(2))
    let rank = data.shape.rank
    let isBytes = data.dtype == .uint8
    var shape = data.shape.array
    if isBytes { shape[rank - 1] *= 8 / bits }
    let at = try normalisedAxis(gatherAxis, rank: rank, name: "gather_axis")
    let q = try normalisedAxis(quantizeAxis, rank: rank, name: "quantize_axis")
    guard block > 0 || data.dtype.isFloat else {
      throw EngineError(
        .attribute, "attribute 'block_size' is 0", expected: "16 or more for integers")
    }
    let each = block == 0 ? max(1, shape[q]) : block
    let blocks = (shape[q] + each - 1) / each
    var fits = scales.shape.rank == rank
    if fits {
      for i in 0..<rank {
        let wanted = i == q ? blocks : shape[i]
        let isOne = data.dtype.isFloat && i != q && scales.shape[i] == 1
        fits = fits && (scales.shape[i] == wanted || isOne)
      }
    }
    guard fits else {
      throw EngineError(
        .shape, "the scales do not fit the data",
        expected: "\((0..<rank).map { $0 == q ? blocks : shape[$0] })",
        received: "\(scales.shape)")
    }
    hasZeros = p.has(3)
    let lastScales = scales.shape[rank - 1]
    zeroRow = isBytes ? (lastScales * bits + 7) / 8 : lastScales
    if hasZeros {
      let count = lastScales == 0 ? 0 : scales.count / lastScales * zeroRow
      guard !data.dtype.isFloat, try p.input(3).count == count else {
        throw EngineError(
          .shape, "the zero points do not fit the scales",
          expected: data.dtype.isFloat ? "none, for floats" : "\(count) elements",
          received: "\(try p.input(3).shape)")
      }
    }
    guard let scale = NumberReader(scales.dtype), let indexType = p.inputs[1] else {
      throw p.noKernel()
    }
    elements = isBytes ? nil : NumberReader(data.dtype)
    self.bits = bits
    self.scale = scale
    result = scales.dtype
    indices = Indices(indexType.dtype)
    indexCount = indexType.count
    outer = shape[..<at].reduce(1, *)
    size = shape[at]
    inner = shape[(at + 1)...].reduce(1, *)
    sizes = Table(shape)
    let strides = scales.shape.strides
    scaleStrides = Table((0..<rank).map { scales.shape[$0] == 1 && $0 != q ? 0 : strides[$0] })
    quantized = q
    self.block = each
    plainZero = isBytes ? Float(1 << (bits - 1)) : 0
  }

  func run(_ m: Memory) {
    m.pool.run(outer * indexCount) { slice in
      let (o, j) = (slice / indexCount, slice % indexCount)
      let given = indices.load(m.inputs[1], j)
      let index = given < 0 ? given &+ size : given
      for i in 0..<inner {
        var v: Float = 0
        if index >= 0 && index < size { v = value(m, (o * size + index) * inner + i) }
        store(v, m.outputs[0], slice * inner + i)
      }
    }
  }

  /// Element `place` of the unpacked data.
  private func value(_ m: Memory, _ place: Int) -> Float {
    var rest = place
    var s = 0
    for axis in stride(from: sizes.count - 1, through: 0, by: -1) {
      let i = rest % sizes[axis]
      rest /= sizes[axis]
      s += (axis == quantized ? i / block : i) * scaleStrides[axis]
    }
    let factor = Float(scale.double(m.inputs[2], s))
    if let elements {
      let zero = hasZeros ? Float(elements.double(m.inputs[3], s)) : 0
      return (Float(elements.double(m.inputs[0], place)) - zero) * factor
    }
    var zero = plainZero
    if hasZeros {
      // Rows of packed zero points start at bytes.
      let last = max(1, lastScaleSize)
      zero = Float(code(UnsafeRawPointer(m.inputs[3]) + s / last * zeroRow, s % last))
    }
    return (Float(code(m.inputs[0], place)) - zero) * factor
  }

  /// Scales along the last axis.
  private var lastScaleSize: Int {
    let last = sizes.count - 1
    return last == quantized ? (sizes[last] + block - 1) / block : sizes[last]
  }

  private func code(_ p: UnsafeRawPointer, _ i: Int) -> UInt8 {
    let bit = i &* bits
    let byte = p.load(fromByteOffset: bit >> 3, as: UInt8.self)
    return byte >> UInt8(bit & 7) & UInt8(truncatingIfNeeded: 1 << bits &- 1)
  }

  private func store(_ v: Float, _ y: UnsafeMutableRawPointer, _ i: Int) {
    switch result {
    case .float16: y.storeBytes(of: Float16(v), toByteOffset: i &* 2, as: Float16.self)
    case .bfloat16:
      y.storeBytes(of: BFloat16(v).bitPattern, toByteOffset: i &* 2, as: UInt16.self)
    default: y.storeBytes(of: v, toByteOffset: i &* 4, as: Float.self)
    }
  }
}
