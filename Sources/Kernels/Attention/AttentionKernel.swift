import Tensors

/// Attention over heads: `softmax(q k^T * scale + bias) v`, float32 or float64.
///
/// Queries are taken in blocks of some 30 rows with all their scores in scratch; each worker has a
/// block of its own, and a block's result does not depend on which worker takes it. Keys and values
/// of a head are packed for the tiles of matrix products where it has more than a few queries, and
/// keys after the last that a block may see are left out. A query without keys gives zeros.
public struct AttentionKernel: Sendable {
  /// Distances, in elements, between batches, heads and rows of an operand.
  public struct Layout: Sendable {
    public let batch: Int
    public let head: Int
    public let row: Int
    public init(batch: Int, head: Int, row: Int) {
      self.batch = batch
      self.head = head
      self.row = row
    }
  }

  public struct Sizes: Sendable {
    public var batch = 0
    public var queryHeads = 0
    public var keyHeads = 0
    public var queries = 0
    /// Keys given now, without the past.
    public var keys = 0
    public var past = 0
    public var keySize = 0
    public var valueSize = 0
    public var total: Int { past + keys }
    public init() {}
  }

  /// What a mask's elements are and how they broadcast to `[batch, head, query, key]`.
  public struct Mask: Sendable {
    public let isBool: Bool
    public let batch: Int
    public let head: Int
    public let row: Int
    /// Keys it speaks of; those beyond are masked.
    public let columns: Int
    public init(isBool: Bool, batch: Int, head: Int, row: Int, columns: Int) {
      self.isBool = isBool
      self.batch = batch
      self.head = head
      self.row = row
      self.columns = columns
    }
  }

  public var sizes: Sizes
  public var query: Layout
  public var key: Layout
  public var value: Layout
  public var output: Layout
  public var mask: Mask?
  /// A second mask, of the operands' type, added after the first.
  public var extra: Mask?
  public var scale: Double
  public var softcap: Double
  public var isCausal: Bool
  /// -1: no bound.
  public var leftWindow: Int
  public var rightWindow: Int
  /// What of the scores is put out: 0 the products, 1 capped, 2 with bias, 3 probabilities.
  public var scoreMode: Int
  public var workers: Int
  /// One more key without a value takes part in each softmax: see `Operands.sinks`.
  public var hasSink = false
  /// Scores with bias are put out with 0 in place of -inf.
  public var zeroesHidden = false
  /// Keys in a row of the scores that are put out, where that is not `sizes.total`.
  public var scoreColumns: Int?
  /// What products of packed keys and values are computed with.
  public var isa = InstructionSet.current

  public init(
    sizes: Sizes, query: Layout, key: Layout, value: Layout, output: Layout, mask: Mask?,
    scale: Double, softcap: Double, isCausal: Bool, leftWindow: Int, rightWindow: Int,
    scoreMode: Int, workers: Int
  ) {
    self.sizes = sizes
    self.query = query
    self.key = key
    self.value = value
    self.output = output
    self.mask = mask
    self.scale = scale
    self.softcap = softcap
    self.isCausal = isCausal
    self.leftWindow = leftWindow
    self.rightWindow = rightWindow
    self.scoreMode = scoreMode
    self.workers = workers
  }

  /// Queries below which packing keys and values does not pay.
  static let fewQueries = 8
  static let tile = 16
  /// For float32 alone.
  private var packed: PackedHead? {
    if sizes.queries < Self.fewQueries { return nil }
    return PackedHead(
      queries: sizes.queries, keys: sizes.total, keySize: sizes.keySize, valueSize: sizes.valueSize,
      isa: isa)
  }
  private func workers(tasks: Int) -> Int { max(1, min(workers, tasks)) }
  /// Threads of which each has four workers.
  var threads: Int { (workers + 3) / 4 }
  /// Elements of scratch: for each worker a block of scores; with packed keys and values for each
  /// thread a block of scores, those of a head, and which head they are of.
  public var scratchCount: Int {
    let tiles = sizes.batch * sizes.queryHeads * ((sizes.queries + Self.tile - 1) / Self.tile)
    let plain = workers(tasks: tiles) * Self.tile * rowLength
    return packed.map { max(plain, threads * packedCount($0)) } ?? plain
  }
  private func packedCount(_ packed: PackedHead) -> Int {
    aligned(packed.rows * rowLength) + packed.count + 16
  }
  private func aligned(_ count: Int) -> Int { (count + 15) & ~15 }
  /// Elements between rows of scores: whole lines of the cache.
  var rowLength: Int { aligned(max(sizes.total, scoreColumns ?? 0) + (hasSink ? 1 : 0)) }

  public struct Operands {
    public var query: UnsafeRawPointer
    public var key: UnsafeRawPointer
    public var value: UnsafeRawPointer
    public var mask: UnsafeRawPointer?
    /// Valid keys of each batch entry.
    public var lengths: UnsafePointer<Int64>?
    /// The position of the first query among the keys, for each batch entry. Nil: the past, or
    /// what makes the last query stand at the last valid key.
    public var offsets: UnsafePointer<Int64>?
    public var extra: UnsafeRawPointer?
    /// The score of each head's sink, of the operands' type; nil for 0.
    public var sinks: UnsafeRawPointer?
    public var output: UnsafeMutableRawPointer
    public var scores: UnsafeMutableRawPointer?
    public init(
      query: UnsafeRawPointer, key: UnsafeRawPointer, value: UnsafeRawPointer,
      mask: UnsafeRawPointer?, lengths: UnsafePointer<Int64>?, output: UnsafeMutableRawPointer,
      scores: UnsafeMutableRawPointer?
    ) {
      self.query = query
      self.key = key
      self.value = value
      self.mask = mask
      self.lengths = lengths
      self.output = output
      self.scores = scores
    }
  }

  public func run(
    _ dtype: DType, _ o: Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float32 {
      run(Float.self, o, scratch.assumingMemoryBound(to: Float.self), pool)
    } else {
      run(Double.self, o, scratch.assumingMemoryBound(to: Double.self), pool)
    }
  }

  /// `past` `[batch, heads, past, size]` followed by the rows of `new`, along the third axis.
  public static func append(
    elementSize: Int, past: UnsafeRawPointer?, new: UnsafeRawPointer, _ layout: Layout,
    batch: Int, heads: Int, pastRows: Int, rows: Int, size: Int,
    into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let width = size * elementSize
    pool.run(batch * heads) { i in
      let to = y + i * (pastRows + rows) * width
      if let past, pastRows > 0 {
        to.copyMemory(from: past + i * pastRows * width, byteCount: pastRows * width)
      }
      let from = new + (i / heads * layout.batch + i % heads * layout.head) * elementSize
      for r in 0..<rows {
        (to + (pastRows + r) * width).copyMemory(
          from: from + r * layout.row * elementSize, byteCount: width)
      }
    }
  }

  /// The elements of any numeral dtype as `to`, float32 or float64.
  public static func convert(
    _ dtype: DType, _ x: UnsafeRawPointer, count: Int, to: DType,
    into y: UnsafeMutableRawPointer
  ) { visitNumeral(dtype, Convert(x: x, count: count, to: to, y: y)) }

  private struct Convert: NumeralVisitor {
    let x: UnsafeRawPointer
    let count: Int
    let to: DType
    let y: UnsafeMutableRawPointer
    func visit<T: Numeral>(_: T.Type) {
      let x = x.assumingMemoryBound(to: T.self)
      if to == .float32 {
        let y = y.assumingMemoryBound(to: Float.self)
        for i in 0..<count { y[i] = Float(x[i].double) }
      } else {
        let y = y.assumingMemoryBound(to: Double.self)
        for i in 0..<count { y[i] = x[i].double }
      }
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ o: Operands, _ scratch: UnsafeMutablePointer<T>, _ pool: ThreadPool
  ) {
    if T.self == Float.self, let packed {
      runPacked(
        o, packed, UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Float.self), pool)
      return
    }
    let tilesPerHead = (sizes.queries + Self.tile - 1) / Self.tile
    let tiles = sizes.batch * sizes.queryHeads * tilesPerHead
    let workers = workers(tasks: tiles)
    pool.run(workers) { w in
      let scores = scratch + w * Self.tile * rowLength
      for t in stride(from: w, to: tiles, by: workers) {
        let head = t / tilesPerHead
        let first = t % tilesPerHead * Self.tile
        run(
          o, batch: head / sizes.queryHeads, head: head % sizes.queryHeads,
          rows: first..<min(first + Self.tile, sizes.queries), scores, nil, nil)
      }
    }
  }

  /// Heads of keys side by side, and where these are few, their queries in several parts. A thread
  /// packs keys and values anew where its next part is of another head.
  private func runPacked(
    _ o: Operands, _ packed: PackedHead, _ scratch: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let groups = sizes.batch * sizes.keyHeads
    let repeats = sizes.queryHeads / sizes.keyHeads
    let blocksPerHead = (sizes.queries + packed.rows - 1) / packed.rows
    let blocks = repeats * blocksPerHead
    let parts = self.parts(groups: groups, blocks: blocks, packed)
    let tasks = groups * parts
    let scoreCount = aligned(packed.rows * rowLength)
    let each = packedCount(packed)
    func held(_ slot: Int) -> UnsafeMutablePointer<Int> {
      UnsafeMutableRawPointer(scratch + (slot + 1) * each - 16).assumingMemoryBound(to: Int.self)
    }
    for slot in 0..<threads { held(slot).pointee = -1 }
    pool.run(tasks, slots: threads) { t, slot in
      let scores = scratch + slot * each
      let memory = scores + scoreCount
      let (group, part) = (t / parts, t % parts)
      let (b, kvHead) = (group / sizes.keyHeads, group % sizes.keyHeads)
      if held(slot).pointee != group {
        held(slot).pointee = group
        packed.pack(
          sizes.total,
          o.key.assumingMemoryBound(to: Float.self) + b * key.batch + kvHead * key.head, key.row,
          o.value.assumingMemoryBound(to: Float.self) + b * value.batch + kvHead * value.head,
          value.row, into: memory)
      }
      for block in (part * blocks / parts)..<((part + 1) * blocks / parts) {
        let first = block % blocksPerHead * packed.rows
        run(
          o, batch: b, head: kvHead * repeats + block / blocksPerHead,
          rows: first..<min(first + packed.rows, sizes.queries), scores, packed, memory)
      }
    }
  }

  private func run<T: RowReal>(
    _ o: Operands, batch b: Int, head h: Int, rows range: Range<Int>, _ s: UnsafeMutablePointer<T>,
    _ packed: PackedHead?, _ memory: UnsafeMutablePointer<Float>?
  ) {
    let (first, rows) = (range.lowerBound, range.count)
    let total = rowLength
    let kvHead = h / (sizes.queryHeads / sizes.keyHeads)
    let q =
      o.query.assumingMemoryBound(to: T.self) + b * query.batch + h * query.head
      + first * query.row
    let k = o.key.assumingMemoryBound(to: T.self) + b * key.batch + kvHead * key.head
    let v = o.value.assumingMemoryBound(to: T.self) + b * value.batch + kvHead * value.head
    let y =
      o.output.assumingMemoryBound(to: T.self) + b * output.batch + h * output.head
      + first * output.row
    let valid = o.lengths.map { max(0, min(sizes.total, Int(clamping: $0[b]))) } ?? sizes.total
    // The last key that a query may see moves with the query.
    let offset =
      o.offsets.map { Int(clamping: $0[b]) }
      ?? (sizes.past > 0 || o.lengths == nil ? sizes.past : valid - sizes.queries)
    var seen = valid
    if isCausal { seen = max(0, min(seen, first + rows + offset)) }
    if let mask { seen = min(seen, mask.columns) }
    if let extra { seen = min(seen, extra.columns) }
    if T.self == Float.self && softcap <= 0 && !hasSink && o.scores == nil {
      runPlain(
        o, b, h, first, rows, offset: offset, seen: min(seen, sizes.total), floats(q), floats(k),
        floats(v), mutableFloats(y), mutableFloats(s), packed, memory)
      return
    }
    let shown = scoreColumns ?? sizes.total
    let put = o.scores.map {
      $0.assumingMemoryBound(to: T.self)
        + ((b * sizes.queryHeads + h) * sizes.queries + first) * shown
    }
    let columns = put == nil ? seen : max(seen, shown)
    // Rows of the cache end before the columns asked for where scores are longer than it.
    let there = min(columns, sizes.total)
    if let packed, let memory {
      packed.scores(
        rows, there, scale: Float(scale), floats(q), query.row, into: mutableFloats(s), total,
        memory)
    } else {
      T.dots(rows, there, sizes.keySize, q, query.row, k, key.row, into: s, total, adds: false)
      for r in 0..<rows { for j in 0..<there { s[r * total + j] *= T(scale) } }
    }
    for r in 0..<rows {
      let row = s + r * total
      for j in there..<max(there, columns) { row[j] = 0 }
      if scoreMode == 0 { put.map { ($0 + r * shown).update(from: row, count: shown) } }
      if softcap > 0 {
        for j in 0..<columns { row[j] /= T(softcap) }
        T.tanh(row, columns)
        for j in 0..<columns { row[j] *= T(softcap) }
      }
      if scoreMode == 1 { put.map { ($0 + r * shown).update(from: row, count: shown) } }
      let isOpen = bias(row, o, b, h, first + r, offset: offset, seen: seen, columns: columns)
      if scoreMode == 2, let put {
        (put + r * shown).update(from: row, count: shown)
        if zeroesHidden {
          for j in r * shown..<(r + 1) * shown where put[j] == -.infinity { put[j] = 0 }
        }
      }
      if isOpen {
        if hasSink {
          row[columns] = o.sinks.map { $0.assumingMemoryBound(to: T.self)[h] } ?? 0
        }
        T.softmaxRow(row, hasSink ? columns + 1 : columns, into: row)
      } else {
        for j in 0..<columns { row[j] = 0 }
      }
      if scoreMode == 3 { put.map { ($0 + r * shown).update(from: row, count: shown) } }
      if packed == nil {
        T.weighted(row, seen, v, value.row, sizes.valueSize, into: y + r * output.row)
      }
    }
    if let packed, let memory {
      packed.results(
        rows, min(seen, sizes.total), floats(UnsafePointer(s)), total, into: mutableFloats(y),
        output.row, memory)
    }
  }

  func floats<T>(_ x: UnsafePointer<T>) -> UnsafePointer<Float> {
    UnsafeRawPointer(x).assumingMemoryBound(to: Float.self)
  }
  func mutableFloats<T>(_ x: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<Float> {
    UnsafeMutableRawPointer(x).assumingMemoryBound(to: Float.self)
  }

  /// Adds the mask to a row of scores. False when no key is left.
  private func bias<T: RowReal>(
    _ row: UnsafeMutablePointer<T>, _ o: Operands, _ b: Int, _ h: Int, _ i: Int, offset: Int,
    seen: Int, columns: Int
  ) -> Bool {
    var low = 0
    var high = seen
    let place = i + offset
    if isCausal { high = min(high, place + 1) }
    if rightWindow >= 0 && place + rightWindow + 1 < high { high = place + rightWindow + 1 }
    if leftWindow >= 0 { low = max(0, place - leftWindow) }
    high = max(high, 0)
    low = min(low, high)
    for j in 0..<low { row[j] = -.infinity }
    for j in high..<max(high, columns) { row[j] = -.infinity }
    if let mask, let address = o.mask {
      let at = b * mask.batch + h * mask.head + i * mask.row
      if mask.isBool {
        let bits = address.assumingMemoryBound(to: UInt8.self) + at
        for j in low..<high where bits[j] == 0 { row[j] = -.infinity }
      } else {
        let values = address.assumingMemoryBound(to: T.self) + at
        for j in low..<high { row[j] = values[j] == -.infinity ? -.infinity : row[j] + values[j] }
      }
    }
    if let extra, let address = o.extra {
      let values =
        address.assumingMemoryBound(to: T.self) + b * extra.batch + h * extra.head + i * extra.row
      for j in low..<high { row[j] = values[j] == -.infinity ? -.infinity : row[j] + values[j] }
    }
    var isOpen = false
    for j in low..<high where row[j] != -.infinity {
      isOpen = true
      break
    }
    return isOpen
  }
}
