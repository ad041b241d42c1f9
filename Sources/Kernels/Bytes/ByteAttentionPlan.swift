import CKernels
import Tensors

/// Attention over 8-bit codes with sums in int32, everything settled but memory and numbers:
/// `Y = Q'(softmax'(factor R(Q K^T) + mask) V)`, where R, softmax' and Q' round to codes.
///
/// Q `[heads, queries, size]`, K `[heads, keys, size]`, V `[heads, keys, valueSize]`. The factors
/// of a head are packed once, then rows of Q are taken `block` at a time, so that scores and
/// probabilities stay in cache. Results do not depend on the number of threads.
public struct ByteAttentionPlan: Sendable {
  /// Which codes are int8.
  public struct Signs: Sendable {
    public var (q, k, v, scores, shares, y) = (false, false, false, false, false, false)
    public init() {}
  }
  /// Scales and zero points of one run; nil where something is not rounded.
  public struct Values {
    public var q = ByteScale(scale: 1, zero: 0)
    public var k = ByteScale(scale: 1, zero: 0)
    public var v = ByteScale(scale: 1, zero: 0)
    public var scores: ByteScale?
    public var shares = ByteScale(scale: 1, zero: 0)
    public var y: ByteScale?
    public init() {}
  }

  private static let block = 48

  /// 64-byte aligned.
  public let scratchBytes: Int
  public var label: String { "attention \(kernel.label)" }
  private let heads: Int
  private let queries: Int
  private let keys: Int
  private let size: Int
  private let valueSize: Int
  private let factor: Float
  private let signs: Signs
  private let maskPlaces: Table?
  private let maskRow: Int
  private let pieces: Int
  private let parts: Int
  private let kernel: ByteProductKernel
  private let layout: Layout

  /// Where the memory of one piece lies in scratch.
  private struct Layout: Sendable {
    var end = 0
    let (k, v, kNumbers, vNumbers, rows, staged, scores, shares):
      (
        Int, Int, Int, Int, Int, Int, Int, Int
      )
    init(_ kernel: ByteProductKernel, keys: Int, size: Int, valueSize: Int) {
      var end = 0
      func take(_ bytes: Int) -> Int {
        defer { end += GemmPlan.aligned(bytes) }
        return end
      }
      let (wide, narrow) = (kernel.padded(keys), kernel.padded(valueSize))
      k = take(wide * kernel.columnBytes(size))
      v = take(narrow * kernel.columnBytes(keys))
      // Sums, starts, zero points and scales of columns.
      kNumbers = take(wide * 16)
      vNumbers = take(narrow * 16)
      rows = take(ByteAttentionPlan.block * 4)
      staged = take(
        ByteAttentionPlan.block * max(kernel.columnBytes(size), kernel.columnBytes(keys)))
      scores = take(ByteAttentionPlan.block * keys * 4)
      shares = take(ByteAttentionPlan.block * keys)
      self.end = end
    }
  }

  /// - `mask`: for each head, where its rows of float32 begin, and their distance, 0 for one row;
  ///   nil for no mask.
  public init(
    heads: Int, queries: Int, keys: Int, size: Int, valueSize: Int, factor: Float, signs: Signs,
    mask: (places: [Int], row: Int)? = nil, threads: Int = 1, isa: InstructionSet = .current
  ) {
    self.heads = heads
    self.queries = queries
    self.keys = keys
    self.size = size
    self.valueSize = valueSize
    self.factor = factor
    self.signs = signs
    maskPlaces = mask.map { Table($0.places) }
    maskRow = mask?.row ?? 0
    kernel = .best(isa)
    layout = Layout(kernel, keys: keys, size: size, valueSize: valueSize)
    // Heads are the work; where there are fewer than threads, parts of their rows.
    let blocks = (queries + Self.block - 1) / Self.block
    parts = heads >= threads ? 1 : max(1, min(blocks, threads))
    pieces = max(1, min(threads, heads * parts))
    scratchBytes = pieces * layout.end
  }

  public func run(
    q: UnsafeRawPointer, k: UnsafeRawPointer, v: UnsafeRawPointer, mask: UnsafePointer<Float>?,
    _ values: Values, y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    let jobs = heads * parts
    let blocks = (queries + Self.block - 1) / Self.block
    let width = values.y == nil ? 4 : 1
    pool.run(pieces) { piece in
      let own = scratch + piece * layout.end
      for job in piece * jobs / pieces..<(piece + 1) * jobs / pieces {
        let (head, part) = (job / parts, job % parts)
        let first = finish(
          own, layout.k, layout.kNumbers, k + head * keys * size, n: keys, k: size, along: 1,
          across: size, isSigned: signs.k, left: values.q, leftIsSigned: signs.q, right: values.k,
          scale: values.q.scale * values.k.scale / (values.scores?.scale ?? 1))
        let second = finish(
          own, layout.v, layout.vNumbers, v + head * keys * valueSize, n: valueSize, k: keys,
          along: valueSize, across: 1, isSigned: signs.v, left: values.shares,
          leftIsSigned: signs.shares, right: values.v,
          scale: values.shares.scale * values.v.scale / (values.y?.scale ?? 1))
        for b in part * blocks / parts..<(part + 1) * blocks / parts {
          let i = b * Self.block
          rows(
            own, count: min(Self.block, queries - i),
            q: q + (head * queries + i) * size,
            mask: mask.map { $0 + (maskPlaces.map { $0[head] } ?? 0) + i * maskRow },
            values, first, second, y: y + (head * queries + i) * valueSize * width)
        }
      }
    }
  }

  /// Packs a right factor and gives what its products end with; sums of rows where zero points of
  /// the factor want them.
  private func finish(
    _ own: UnsafeMutableRawPointer, _ panels: Int, _ numbers: Int, _ b: UnsafeRawPointer, n: Int,
    k: Int, along: Int, across: Int, isSigned: Bool, left: ByteScale, leftIsSigned: Bool,
    right: ByteScale, scale: Float
  ) -> dl_byteproduct_finish {
    let width = kernel.padded(n)
    let sums = (own + numbers).assumingMemoryBound(to: Int32.self)
    let (start, column) = (sums + width, sums + 2 * width)
    let scales = (own + numbers + 12 * width).assumingMemoryBound(to: Float.self)
    for p in 0..<kernel.panels(n) {
      kernel.pack(
        panel: p, n: n, k: k, b, along: along, across: across, isSigned: isSigned,
        to: own + panels, sums: sums)
    }
    let aZero = leftIsSigned ? left.zero &+ 128 : left.zero
    let bZero = isSigned ? right.zero : right.zero &- 128
    let all = Int32(truncatingIfNeeded: k) &* aZero &* bZero
    for j in 0..<width {
      start[j] = all &- aZero &* sums[j]
      column[j] = bZero
      scales[j] = scale
    }
    var e = dl_byteproduct_finish()
    e.start = UnsafePointer(start)
    e.scale = UnsafePointer(scales)
    if bZero != 0 {
      e.row = UnsafePointer((own + layout.rows).assumingMemoryBound(to: Int32.self))
      e.column = UnsafePointer(column)
    }
    e.y_row = n
    return e
  }

  /// Rows of codes as the kernel wants them, and their sums.
  private func staged(
    _ own: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, count: Int, k: Int, isSigned: Bool,
    wantsSums: Bool
  ) -> (a: UnsafeRawPointer, row: Int, depth: Int) {
    let from = a.assumingMemoryBound(to: UInt8.self)
    let flip: Int32 = isSigned ? 0x80 : 0
    if wantsSums {
      let sums = (own + layout.rows).assumingMemoryBound(to: Int32.self)
      for i in 0..<count { sums[i] = dl_byteproduct_sum(k, from + i * k, flip) }
    }
    guard isSigned || kernel.isWide else { return (a, k, k) }
    let (row, depth) = (kernel.columnBytes(k), kernel.depth(k))
    for i in 0..<count {
      let to = own + layout.staged + i * row
      if kernel.isWide {
        dl_byteproduct_stage_s16(
          k, depth, from + i * k, flip, to.assumingMemoryBound(to: Int16.self))
      } else {
        dl_byteproduct_stage(
          k, depth, from + i * k, flip, to.assumingMemoryBound(to: UInt8.self))
      }
    }
    return (UnsafeRawPointer(own + layout.staged), row, depth)
  }

  private func rows(
    _ own: UnsafeMutableRawPointer, count: Int, q: UnsafeRawPointer, mask: UnsafePointer<Float>?,
    _ values: Values, _ first: dl_byteproduct_finish, _ second: dl_byteproduct_finish,
    y: UnsafeMutableRawPointer
  ) {
    let scores = (own + layout.scores).assumingMemoryBound(to: Float.self)
    let shares = (own + layout.shares).assumingMemoryBound(to: UInt8.self)
    var e = first
    e.y = UnsafeMutableRawPointer(scores)
    e.output = Int32(dl_byteproduct_floats.rawValue)
    var v = ByteProductValues()
    v.rounding = values.scores.map { ($0, signs.scores) }
    e.setRounding(v)
    // One factor more, where scores are made into numbers; by itself where they are not rounded.
    if values.scores != nil { e.round_scale *= factor }
    let left = staged(
      own, q, count: count, k: size, isSigned: signs.q, wantsSums: e.row != nil)
    kernel.block(count, keys, left.depth, left.a, left.row, own + layout.k, &e)
    if values.scores == nil, factor != 1 {
      for i in 0..<count * keys { scores[i] *= factor }
    }
    if let mask {
      for i in 0..<count {
        let (row, from) = (scores + i * keys, mask + i * maskRow)
        for j in 0..<keys { row[j] += from[j] }
      }
    }
    let at = values.shares
    let low: Int32 = signs.shares ? -128 : 0
    softmax(
      scores, count, at, Float(low &- at.zero), Float(low &+ 255 &- at.zero), shares)
    var f = second
    f.y = y
    if let codes = values.y {
      v.output = .codes(codes, isSigned: signs.y, isSettled: true)
    } else {
      v.output = .floats
    }
    f.setOutput(v)
    let middle = staged(
      own, shares, count: count, k: keys, isSigned: signs.shares, wantsSums: f.row != nil)
    kernel.block(count, valueSize, middle.depth, middle.a, middle.row, own + layout.v, &f)
  }

  private func softmax(
    _ x: UnsafeMutablePointer<Float>, _ rows: Int, _ at: ByteScale, _ low: Float, _ high: Float,
    _ y: UnsafeMutablePointer<UInt8>
  ) {
    #if arch(x86_64)
      if InstructionSet.current >= .avx512 {
        dl_softmax_f32_bytes__avx512(x, rows, keys, at.scale, low, high, at.zero, y)
        return
      }
    #endif
    dl_softmax_f32_bytes__scalar(x, rows, keys, at.scale, low, high, at.zero, y)
  }
}
