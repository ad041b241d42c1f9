import Graphs
import Kernels
import Tensors

/// One use of a multi-head operator with all sizes checked and scratch laid out.
struct MultiHeadPlan: Sendable {
  /// Where the optional inputs stand.
  struct Inputs {
    var bias: Int
    var mask: Int
    var extra: Int
    var pastKey: Int
    var pastValue: Int
    var pastLength: Int
    var indirection: Int
  }

  /// An operand with a bias added, in scratch.
  private struct Biased: Sendable {
    var place = -1
    var layout = AttentionKernel.Layout(batch: 0, head: 0, row: 0)
    var rows = 0
    var size = 0
    /// Where its part of the bias starts.
    var at = 0
  }

  private let heads: HeadsPlan
  private let headCount: Int
  private let batch: Int
  /// Where queries, keys and values start in their inputs.
  private let sources: (key: Int, keyAt: Int, value: Int, valueAt: Int)
  private let biased: (query: Biased, key: Biased, value: Biased)
  private let at: (bias: Int, mask: Int, extra: Int, past: Int, indirection: Int)
  private let wants: (key: Bool, value: Bool, scores: Bool)
  private let scratchBytes: Int

  init(
    heads n: Int, scale: Float?, filter: Float, isCausal: Bool, inputs: Inputs,
    sharesBuffer: Bool, _ p: Preparation
  ) throws(EngineError) {
    let floats = [0, 1, 2, inputs.bias, inputs.extra, inputs.pastKey, inputs.pastValue]
    for i in floats where p.has(i) {
      guard try p.input(i).dtype == .float32 else { throw p.noKernel() }
    }
    let q = try p.input(0).shape
    let k = p.has(1) ? try p.input(1) : nil
    let v = p.has(2) ? try p.input(2) : nil
    let form = try MultiHeadShapes.form(query: q.rank, key: k?.shape.rank, value: v?.shape.rank)
    var s = HeadsPlan.Shapes()
    s.batch = q[0]
    s.heads = n
    s.queries = q[1]
    let width = q.rank == 5 ? 3 * q[2] * q[4] : q[2]
    let parts = form == .packed ? 3 : 1
    guard width % (n * parts) == 0, width > 0 else {
      throw EngineError(
        .shape, "query does not divide into heads", expected: "a multiple of \(n * parts)",
        received: "\(q)")
    }
    let e = width / n / parts
    s.keySize = e
    s.valueSize = e
    s.keys = q[1]
    s.query = .init(batch: q[1] * width, head: e, row: width)
    var from = (key: 0, keyAt: 0, value: 0, valueAt: 0)
    switch form {
    case .packed where q.rank == 5:
      try checkShape(p.input(0), [q[0], q[1], n, 3, e], "query")
      s.query = .init(batch: q[1] * width, head: 3 * e, row: width)
      (s.key, s.value) = (s.query, s.query)
      from = (0, e, 0, 2 * e)
    case .packed:
      (s.key, s.value) = (s.query, s.query)
      from = (0, n * e, 0, 2 * n * e)
    case .pairs:
      guard let k else { break }
      s.keys = k.shape[1]
      try checkShape(k, [q[0], s.keys, n, 2, e], "key")
      s.key = .init(batch: s.keys * n * 2 * e, head: 2 * e, row: n * 2 * e)
      s.value = s.key
      from = (1, 0, 1, e)
    case .separate:
      guard let k, let v else { break }
      s.keys = k.shape[1]
      try checkShape(k, [q[0], s.keys, n * e], "key")
      guard v.shape[2] % n == 0 else {
        throw EngineError(
          .shape, "value does not divide into heads", expected: "a multiple of \(n)",
          received: "\(v.shape)")
      }
      s.valueSize = v.shape[2] / n
      try checkShape(v, [q[0], s.keys, n * s.valueSize], "value")
      s.key = .init(batch: s.keys * n * e, head: e, row: n * e)
      s.value = .init(batch: s.keys * v.shape[2], head: s.valueSize, row: v.shape[2])
      from = (1, 0, 2, 0)
    case .headed:
      guard let k, let v else { break }
      s.keys = k.shape[2]
      s.valueSize = v.shape[3]
      try checkShape(k, [q[0], n, s.keys, e], "key")
      try checkShape(v, [q[0], n, s.keys, s.valueSize], "value")
      s.key = .init(batch: n * s.keys * e, head: s.keys * e, row: e)
      s.value = .init(
        batch: n * s.keys * s.valueSize, head: s.keys * s.valueSize, row: s.valueSize)
      from = (1, 0, 2, 0)
    }
    if p.has(inputs.pastKey) {
      let rows = try p.input(inputs.pastKey).shape[2]
      s.pastRows = rows
      try checkShape(p.input(inputs.pastKey), [q[0], n, rows, e], "past_key")
      try checkShape(p.input(inputs.pastValue), [q[0], n, rows, s.valueSize], "past_value")
    }
    if sharesBuffer {
      guard let rows = s.pastRows, let past = p.ints(inputs.pastLength), past.count == 1 else {
        throw EngineError(.arity, "a shared buffer needs a past and one past_sequence_length")
      }
      guard past[0] >= 0, past[0] + s.keys <= rows else {
        throw EngineError(
          .shape, "past_sequence_length leaves no room in the buffer",
          expected: "0 to \(rows - s.keys)", received: "\(past[0])")
      }
      s.past = past[0]
    }
    if p.has(inputs.indirection), let rows = s.pastRows {
      let dims = try p.input(inputs.indirection).shape
      guard dims.rank == 3, dims[0] * dims[1] == s.batch, dims[2] == rows, sharesBuffer else {
        throw EngineError(
          .shape, "cache_indirection does not fit a shared buffer",
          expected: "[B, W, \(rows)] with B W = \(s.batch)", received: "\(dims)")
      }
      s.beams = dims[1]
    }
    s.mask = p.has(inputs.mask) ? try p.input(inputs.mask).shape : nil
    s.bias = p.has(inputs.extra) ? try p.input(inputs.extra).shape : nil
    s.wants = (p.wants(0), p.wants(1), p.wants(2), p.wants(3))

    var scratch = ScratchLayout()
    var parts3 = (query: Biased(), key: Biased(), value: Biased())
    if p.has(inputs.bias) {
      try checkShape(p.input(inputs.bias), [n * (2 * e + s.valueSize)], "bias")
      let batch = s.batch
      func part(
        _ layout: inout AttentionKernel.Layout, _ rows: Int, _ size: Int, _ at: Int
      ) throws(EngineError) -> Biased {
        let part = Biased(
          place: try scratch.take(batch * rows * n * size), layout: layout, rows: rows,
          size: size, at: at)
        layout = .init(batch: rows * n * size, head: size, row: n * size)
        return part
      }
      let (queries, keys, valueSize) = (s.queries, s.keys, s.valueSize)
      parts3.query = try part(&s.query, queries, e, 0)
      if form != .headed {
        parts3.key = try part(&s.key, keys, e, n * e)
        parts3.value = try part(&s.value, keys, valueSize, 2 * n * e)
      }
    }
    biased = parts3
    sources = from
    batch = s.batch
    headCount = n
    heads = try HeadsPlan(
      s, scale: scale, filter: filter, isCausal: isCausal, scoreMode: 2,
      threads: p.options.threads, scratch: &scratch)
    at = (
      p.has(inputs.bias) ? inputs.bias : -1, p.has(inputs.mask) ? inputs.mask : -1,
      p.has(inputs.extra) ? inputs.extra : -1, p.has(inputs.pastKey) ? inputs.pastKey : -1,
      s.beams == nil ? -1 : inputs.indirection
    )
    wants = (p.wants(1), p.wants(2), p.wants(3))
    scratchBytes = scratch.bytes
  }

  func prepared() -> Prepared {
    let plan = self
    return Prepared(scratchBytes: scratchBytes, label: "attention") { (m) throws(EngineError) in
      try plan.run(m)
    }
  }

  private func run(_ m: Memory) throws(EngineError) {
    var q = m.input(0, Float.self)
    var k = m.input(sources.key, Float.self) + sources.keyAt
    var v = m.input(sources.value, Float.self) + sources.valueAt
    if at.bias >= 0 {
      q = add(biased.query, q, m)
      k = add(biased.key, k, m)
      v = add(biased.value, v, m)
    }
    try heads.run(
      .init(
        query: q, key: k, value: v, mask: at.mask < 0 ? nil : m.input(at.mask),
        bias: at.extra < 0 ? nil : m.input(at.extra),
        pastKey: at.past < 0 ? nil : m.inputs[at.past],
        pastValue: at.past < 0 ? nil : m.inputs[at.past + 1],
        presentKey: wants.key ? m.outputs[1] : nil, presentValue: wants.value ? m.outputs[2] : nil,
        output: m.outputs[0], scores: wants.scores ? m.outputs[3] : nil,
        indirection: at.indirection < 0 ? nil : m.input(at.indirection)),
      scratch: m.scratch, pool: m.pool)
  }

  /// `x` with its part of the bias; `x` itself where it has none.
  private func add(_ part: Biased, _ x: UnsafePointer<Float>, _ m: Memory) -> UnsafePointer<Float> {
    guard part.place >= 0 else { return x }
    let bias = m.input(at.bias, Float.self) + part.at
    let to = (m.scratch + part.place).assumingMemoryBound(to: Float.self)
    let n = headCount
    m.pool.run(batch * part.rows) { i in
      let from = x + i / part.rows * part.layout.batch + i % part.rows * part.layout.row
      let row = to + i * n * part.size
      for h in 0..<n {
        let head = from + h * part.layout.head
        let (to, own) = (row + h * part.size, bias + h * part.size)
        for j in 0..<part.size { to[j] = head[j] + own[j] }
      }
    }
    return UnsafePointer(to)
  }
}
