import Graphs
import Kernels
import Tensors

/// Conversion of elements between any two dtypes but strings and complex numbers.
///
/// Wide types go by one kernel. Elements of at most 8 bits that are no integers of 8 bits go by way
/// of a tile of float32 or int32.
struct Conversion: Sendable {
  let from: DType
  let to: DType
  let saturate: Bool
  let rounding: NarrowFloat.Rounding
  private let direct: CastKernel?
  /// What a tile holds: float32 or int32, or nil where the kernel is direct.
  private let middle: DType
  private let toMiddle: CastKernel?
  private let fromMiddle: CastKernel?
  /// Every code of a narrow float, decoded.
  private let codes: [Float]
  private let target: NarrowFloat?
  private let packedSource: PackedElements?
  private let packedTarget: PackedElements?

  static let tile = 256
  /// Bytes of scratch that `run` needs.
  static let scratchBytes = tile * 9

  /// Nil where a type is complex or string.
  init?(_ from: DType, _ to: DType, saturate: Bool, rounding: NarrowFloat.Rounding) {
    self.from = from
    self.to = to
    self.saturate = saturate
    self.rounding = rounding
    direct = CastKernel(from, to)
    let source = NarrowFloat(from)
    target = NarrowFloat(to)
    packedSource = PackedElements(from)
    packedTarget = PackedElements(to)
    codes = source.map { s in (0..<256).map { s.decode(UInt8($0)) } } ?? []
    let throughInteger =
      source == nil && target == nil && (packedSource != nil || packedTarget != nil)
    middle = throughInteger ? .int32 : .float32
    let isNarrowSource = source != nil || packedSource != nil
    let isNarrowTarget = target != nil || packedTarget != nil
    // A packed integer fills a tile of int32 first, also on its way to a narrow float.
    toMiddle = isNarrowSource ? CastKernel(.int32, .float32) : CastKernel(from, middle)
    fromMiddle = isNarrowTarget ? CastKernel(.float32, .int32) : CastKernel(middle, to)
    if direct == nil {
      guard isNarrowSource || isNarrowTarget, toMiddle != nil, fromMiddle != nil else { return nil }
    }
  }

  var label: String { "cast \(from) to \(to)" }
  var needsScratch: Bool { direct == nil }

  /// Converts `count` elements.
  func run(
    _ count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    if let direct { return direct.run(count: count, x, y, pool) }
    let wide = scratch, other = scratch + Conversion.tile * 4
    let codeTile = UnsafeMutableBufferPointer(
      start: (scratch + Conversion.tile * 8).assumingMemoryBound(to: UInt8.self),
      count: Conversion.tile)
    var at = 0
    while at < count {
      let n = min(Conversion.tile, count - at)
      fill(x, at, n, wide, other)
      empty(wide, other, codeTile, n, y, at)
      at += n
    }
  }

  /// Source elements into the tile `wide` of type `middle`.
  private func fill(
    _ x: UnsafeRawPointer, _ at: Int, _ n: Int, _ wide: UnsafeMutableRawPointer,
    _ other: UnsafeMutableRawPointer
  ) {
    if !codes.isEmpty {
      let floats = wide.assumingMemoryBound(to: Float.self)
      for i in 0..<n {
        let code = packedSource?.code(x, at + i) ?? x.load(fromByteOffset: at + i, as: UInt8.self)
        floats[i] = codes[Int(code)]
      }
    } else if let packedSource {
      let ints = (middle == .int32 ? wide : other).assumingMemoryBound(to: Int32.self)
      for i in 0..<n { ints[i] = Int32(packedSource.integer(x, at + i)) }
      if middle == .float32 { toMiddle?.run(count: n, other, wide) }
    } else if from == .float64 && middle == .float32 {
      let doubles = (x + at * 8).assumingMemoryBound(to: Double.self)
      let floats = wide.assumingMemoryBound(to: Float.self)
      for i in 0..<n { floats[i] = roundedToOdd(doubles[i]) }
    } else {
      toMiddle?.run(count: n, x + at * from.byteSize, wide)
    }
  }

  /// The tile into target elements. `at` is a multiple of the tile, so packed ones begin a byte.
  private func empty(
    _ wide: UnsafeMutableRawPointer, _ other: UnsafeMutableRawPointer,
    _ codeTile: UnsafeMutableBufferPointer<UInt8>, _ n: Int, _ y: UnsafeMutableRawPointer,
    _ at: Int
  ) {
    if let target {
      let floats = wide.assumingMemoryBound(to: Float.self)
      for i in 0..<n {
        codeTile[i] = target.encode(floats[i], saturate: saturate, rounding: rounding)
      }
    } else if packedTarget != nil {
      if middle == .float32 { fromMiddle?.run(count: n, wide, other) }
      let ints = (middle == .int32 ? wide : other).assumingMemoryBound(to: Int32.self)
      for i in 0..<n { codeTile[i] = UInt8(truncatingIfNeeded: ints[i]) }
    } else {
      fromMiddle?.run(count: n, wide, y + at * to.byteSize)
      return
    }
    let ready = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(codeTile)[0..<n])
    if let packedTarget {
      packedTarget.pack(ready, y + at * packedTarget.bits / 8)
    } else if let base = ready.baseAddress {
      (y + at).copyMemory(from: base, byteCount: n)
    }
  }
}

/// A `Float` from which rounding to fewer bits errs no more than rounding `value` itself: what does
/// not fit gets an odd last bit.
func roundedToOdd(_ value: Double) -> Float {
  let near = Float(value)
  if Double(near) == value || value.isNaN { return near }
  let bits = near.bitPattern
  let toward =
    near.magnitude.isInfinite || Double(near.magnitude) > value.magnitude
    ? bits - 1 : bits
  return Float(bitPattern: toward | 1)
}
