import Graphs
import Kernels
import Tensors

/// One use of GroupQueryAttention with all sizes checked and scratch laid out.
struct GroupQueryPlan: Sendable {
  private var kernel: AttentionKernel
  private let o: GroupQueryAttention.Options
  private let lengths: CacheLengths
  private let keyCache: CacheUpdate
  private let valueCache: CacheUpdate
  private let turnQueries: HeadTurn?
  private let turnKeys: HeadTurn?
  private let isPacked: Bool
  private let hasPast: Bool
  private let has: (ids: Bool, extra: Bool, sink: Bool, valid: Bool)
  private let wants: (output: Bool, key: Bool, value: Bool, scores: Bool)
  private let places:
    (
      scores: Int, query: Int, key: Int, keyCache: Int, valueCache: Int, spare: Int, lengths: Int,
      positions: Int
    )
  private let scratchBytes: Int
  private let size: Int

  init(_ o: GroupQueryAttention.Options, _ p: Preparation) throws(EngineError) {
    self.o = o
    for i in [0, 1, 2, 3, 4, 7, 8, 10, 11, 14, 15] where p.has(i) {
      guard try p.input(i).dtype == .float32 else { throw p.noKernel() }
    }
    guard !p.has(12), !p.has(13) else {
      throw EngineError(.unsupported, "quantised caches of keys and values")
    }
    let q = try p.input(0).shape
    isPacked = !p.has(1)
    let (n, g) = (o.heads, o.keyHeads)
    let (batch, length, width) = (q[0], q[1], q[2])
    let parts = isPacked ? n + 2 * g : n
    guard width > 0, width % parts == 0 else {
      throw EngineError(
        .shape, "query does not divide into heads", expected: "a multiple of \(parts)",
        received: "\(q)")
    }
    let e = width / parts
    size = e
    if !isPacked {
      try checkShape(p.input(1), [batch, length, g * e], "key")
      try checkShape(p.input(2), [batch, length, g * e], "value")
    }
    guard let given = p.ints(6), given.count == 1, given[0] >= 0 else {
      throw EngineError(
        .value, "total_sequence_length is not one length", expected: "one number, 0 or more",
        received: "\(p.ints(6) ?? [])")
    }
    let total = given[0]
    hasPast = p.has(3)
    let pastRows = hasPast ? try p.input(3).shape[2] : 0
    if hasPast {
      for (i, name) in [(3, "past_key"), (4, "past_value")] {
        try checkShape(p.input(i), [batch, g, pastRows, e], name)
      }
    }
    has = (p.has(9), p.has(10), p.has(11), p.has(16))
    wants = (p.wants(0), p.wants(1), p.wants(2), p.wants(3))
    if o.slides {
      guard hasPast, pastRows >= o.window else {
        throw EngineError(
          .shape, "a sliding cache is smaller than its window", expected: "at least \(o.window)",
          received: "\(pastRows)")
      }
      guard !has.extra, !wants.scores else {
        throw EngineError(.unsupported, "a bias or scores beside a sliding cache")
      }
    }
    guard try p.input(5).count == batch else {
      throw EngineError(
        .shape, "seqlens_k does not fit", expected: "[\(batch)]",
        received: "\(try p.input(5).shape)")
    }
    if has.valid { try checkShape(p.input(16), [batch], "query_seqlens") }
    let capacity = o.slides ? pastRows + length : max(pastRows, total)
    lengths = CacheLengths(
      batch: batch, length: length, total: total, capacity: capacity,
      window: o.slides ? (o.window, pastRows) : nil)

    let packed = AttentionKernel.Layout(batch: length * width, head: e, row: width)
    let separate = AttentionKernel.Layout(batch: length * g * e, head: e, row: g * e)
    let fresh = isPacked ? packed : separate
    var s = AttentionKernel.Sizes()
    s.batch = batch
    s.queryHeads = n
    s.keyHeads = g
    s.queries = length
    s.keys = capacity
    s.keySize = e
    s.valueSize = e
    let rows = AttentionKernel.Layout(batch: g * capacity * e, head: capacity * e, row: e)
    kernel = AttentionKernel(
      sizes: s, query: packed, key: rows, value: rows,
      output: .init(batch: length * n * e, head: e, row: n * e), mask: nil,
      scale: o.scale.map { Double($0) } ?? 1 / Double(e).squareRoot(), softcap: Double(o.softcap),
      isCausal: o.isCausal, leftWindow: o.window < 0 ? -1 : max(0, o.window - 1), rightWindow: -1,
      scoreMode: o.scoreOutput == 2 ? 3 : 2,
      workers: p.options.threads > 1 ? 4 * p.options.threads : 1)
    kernel.hasSink = o.isSmooth || has.sink
    kernel.scoreColumns = wants.scores ? total : nil
    kernel.zeroesHidden = true
    if has.sink { try checkShape(p.input(11), [n], "head_sink") }
    if has.extra {
      kernel.extra = try HeadsPlan.bias(p.input(10).shape, batch, n, length, total)
    }
    keyCache = CacheUpdate(
      batch: batch, heads: g, size: e, pastRows: pastRows, capacity: capacity, rows: length,
      layout: fresh)
    valueCache = keyCache

    let cosRows = try HeadTurn.checkCaches(p, o.isRotary, size: e)
    if has.ids { try checkShape(p.input(9), [batch, length], "position_ids") }
    for (i, name) in [(14, "q_norm_weight"), (15, "k_norm_weight")] where p.has(i) {
      try checkShape(p.input(i), [e], name)
    }
    func turn(_ heads: Int, _ layout: AttentionKernel.Layout, _ epsilon: Float) -> HeadTurn? {
      guard o.isRotary || p.has(14) else { return nil }
      return HeadTurn(
        batch: batch, length: length, heads: heads, size: e, layout: layout,
        turned: o.isRotary ? cosRows.turned : nil, rows: cosRows.rows,
        isInterleaved: o.isInterleaved, epsilon: p.has(14) ? epsilon : nil)
    }
    turnQueries = turn(n, packed, o.epsilons[0])
    turnKeys = turn(g, fresh, o.epsilons[1])
    var scratch = ScratchLayout()
    let turns = turnQueries != nil
    let query = try scratch.take(turns ? q.count : 0)
    places = (
      scores: try scratch.take(kernel.scratchCount), query: query,
      key: isPacked ? query + n * e * 4 : try scratch.take(turns ? batch * length * g * e : 0),
      keyCache: try scratch.take(wants.key && !o.slides ? 0 : keyCache.count),
      valueCache: try scratch.take(wants.value && !o.slides ? 0 : valueCache.count),
      spare: try scratch.take(wants.output ? 0 : batch * length * n * e),
      lengths: try scratch.take(4 * batch, width: 8),
      positions: try scratch.take(o.isRotary ? batch * length : 0, width: 8)
    )
    scratchBytes = scratch.bytes
  }

  func prepared() -> Prepared {
    let plan = self
    return Prepared(scratchBytes: scratchBytes, label: "attention") { (m) throws(EngineError) in
      try plan.run(m)
    }
  }

  private func run(_ m: Memory) throws(EngineError) {
    let made = try lengths.read(
      m.input(5), valid: has.valid ? m.input(16) : nil,
      into: (m.scratch + places.lengths).assumingMemoryBound(to: Int64.self))
    var q = m.input(0, Float.self)
    var k = isPacked ? q + o.heads * size : m.input(1, Float.self)
    let v = isPacked ? q + (o.heads + o.keyHeads) * size : m.input(2, Float.self)
    if let turnQueries, let turnKeys {
      let positions = (m.scratch + places.positions).assumingMemoryBound(to: Int64.self)
      if o.isRotary {
        lengths.positions(
          made, ids: has.ids ? m.input(9) : nil, rows: turnQueries.rows, into: positions)
      }
      let toQ = (m.scratch + places.query).assumingMemoryBound(to: Float.self)
      let toK = (m.scratch + places.key).assumingMemoryBound(to: Float.self)
      try turnQueries.run(q, into: toQ, gainInput: 14, positions: positions, m)
      try turnKeys.run(k, into: toK, gainInput: 15, positions: positions, m)
      q = UnsafePointer(toQ)
      k = UnsafePointer(toK)
    }
    let inPlace = !o.slides
    let keys = wants.key && inPlace ? m.outputs[1] : m.scratch + places.keyCache
    let values = wants.value && inPlace ? m.outputs[2] : m.scratch + places.valueCache
    keyCache.run(
      past: hasPast ? UnsafeRawPointer(m.inputs[3]) : nil, new: k, starts: made.starts,
      counts: made.counts, into: keys, pool: m.pool)
    valueCache.run(
      past: hasPast ? UnsafeRawPointer(m.inputs[4]) : nil, new: v, starts: made.starts,
      counts: made.counts, into: values, pool: m.pool)
    var operands = AttentionKernel.Operands(
      query: q, key: keys, value: values, mask: nil, lengths: UnsafePointer(made.keys),
      output: wants.output ? m.outputs[0] : m.scratch + places.spare,
      scores: wants.scores ? m.outputs[3] : nil)
    operands.offsets = UnsafePointer(made.starts)
    operands.extra = has.extra ? UnsafeRawPointer(m.inputs[10]) : nil
    operands.sinks = has.sink ? UnsafeRawPointer(m.inputs[11]) : nil
    kernel.run(.float32, operands, scratch: m.scratch + places.scores, pool: m.pool)
    guard o.slides else { return }
    if wants.key { lengths.slide(keys, heads: o.keyHeads, size: size, made, into: m.outputs[1]) }
    if wants.value {
      lengths.slide(values, heads: o.keyHeads, size: size, made, into: m.outputs[2])
    }
  }
}
