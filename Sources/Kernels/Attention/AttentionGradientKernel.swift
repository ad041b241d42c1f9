import Tensors

/// The gradients of scaled dot-product attention by queries, keys and values, head by head, float32
/// or float64.
///
/// The weights `P = softmax(scale Q K^T)` are computed again, a head at a time, in memory that stays
/// in the cache; then `dS = scale P (dY V^T - rowsum(P dY V^T))`, `dQ = dS K`, `dK = dS^T Q`,
/// `dV = P^T dY`. Heads are spread over threads; every sum has one order.
public struct AttentionGradientKernel: Sendable {
  let heads: Int
  let queries: Int
  let keys: Int
  let size: Int
  let valueSize: Int
  let isCausal: Bool
  let scale: Double
  let element: GemmElement
  let isa: InstructionSet
  let places: Places
  let pieces: Int
  let pieceBytes: Int
  /// `Q K^T`, `dY V^T`, `dS K`, `dS^T Q`, `P^T dY`.
  let scores, rises, byQueries, byKeys, byValues: GemmPlan

  /// Where the heads of each operand and of its gradient lie: `[heads of an image]` at the first
  /// distance, images and rows at the others.
  public struct Places: Sendable {
    /// Heads of an image.
    public let heads: Int
    public let query, key, value, output: AttentionKernel.Layout
    public init(
      heads: Int, query: AttentionKernel.Layout, key: AttentionKernel.Layout,
      value: AttentionKernel.Layout, output: AttentionKernel.Layout
    ) {
      (self.heads, self.query, self.key, self.value, self.output) = (
        heads, query, key, value, output
      )
    }
  }

  /// - `heads`: those of all images; `isCausal`: whether query i sees keys 0 to i alone.
  /// - `places`: nil for heads one behind the other.
  public init(
    heads: Int, queries: Int, keys: Int, size: Int, valueSize: Int, isCausal: Bool, scale: Double,
    element: GemmElement, places given: Places? = nil, threads: Int,
    isa: InstructionSet = .current
  ) {
    self.heads = heads
    self.isa = isa
    func packed(_ rows: Int, _ size: Int) -> AttentionKernel.Layout {
      .init(batch: rows * size, head: 0, row: size)
    }
    let places =
      given
      ?? Places(
        heads: 1, query: packed(queries, size), key: packed(keys, size),
        value: packed(keys, valueSize), output: packed(queries, valueSize))
    self.places = places
    self.queries = queries
    self.keys = keys
    self.size = size
    self.valueSize = valueSize
    self.isCausal = isCausal
    self.scale = scale
    self.element = element
    func row(_ n: Int) -> GemmPlan.Layout { .init(row: n, column: 1) }
    func column(_ n: Int) -> GemmPlan.Layout { .init(row: 1, column: n) }
    var scaled = GemmPlan.Epilogue()
    scaled.alpha = scale
    let (q, k, v, y) = (places.query.row, places.key.row, places.value.row, places.output.row)
    scores = GemmPlan(
      m: queries, n: keys, k: size, element: element, a: row(q), b: column(k), epilogue: scaled,
      isa: isa)
    rises = GemmPlan(
      m: queries, n: keys, k: valueSize, element: element, a: row(y), b: column(v), isa: isa)
    byQueries = GemmPlan(m: queries, n: size, k: keys, element: element, b: row(k), c: q, isa: isa)
    byKeys = GemmPlan(
      m: keys, n: size, k: queries, element: element, a: column(keys), b: row(q), c: k, isa: isa)
    byValues = GemmPlan(
      m: keys, n: valueSize, k: queries, element: element, a: column(keys), b: row(y), c: v,
      isa: isa)
    pieces = max(1, min(heads, threads > 1 ? threads * 4 : 1))
    let gemm = [scores, rises, byQueries, byKeys, byValues].map(\.scratchBytes).max() ?? 0
    pieceBytes =
      2 * GemmPlan.aligned(queries * keys * element.byteSize) + GemmPlan.aligned(gemm)
      + GemmPlan.aligned(queries * 4)
  }

  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { pieces * pieceBytes }

  /// The first head of each; gradients, laid out as what they belong to, are nil where unwanted.
  public struct Operands {
    public var q, k, v, dy: UnsafeRawPointer
    public var dq, dk, dv: UnsafeMutableRawPointer?
    public init(
      q: UnsafeRawPointer, k: UnsafeRawPointer, v: UnsafeRawPointer, dy: UnsafeRawPointer
    ) {
      self.q = q
      self.k = k
      self.v = v
      self.dy = dy
    }
  }

  public func run(_ o: Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool) {
    nonisolated(unsafe) let o = o
    pool.run(pieces) { piece in
      for head in piece * heads / pieces..<(piece + 1) * heads / pieces {
        let own = scratch + piece * pieceBytes
        if element == .float64 {
          run(Double.self, o, head, own)
        } else {
          run(Float.self, o, head, own)
        }
      }
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ o: Operands, _ head: Int, _ scratch: UnsafeMutableRawPointer
  ) {
    let es = element.byteSize
    let area = GemmPlan.aligned(queries * keys * es)
    let (first, second, own) = (scratch, scratch + area, scratch + 2 * area)
    func at(_ l: AttentionKernel.Layout) -> Int {
      (head / places.heads * l.batch + head % places.heads * l.head) * es
    }
    let (q, k, v, dy) = (
      o.q + at(places.query), o.k + at(places.key), o.v + at(places.value),
      o.dy + at(places.output)
    )
    scores.run(a: q, b: k, c: first, scratch: own, pool: .single)
    weigh(T.self, first, inverse: scratch + pieceBytes - GemmPlan.aligned(queries * 4))
    if let dv = o.dv {
      byValues.run(a: first, b: dy, c: dv + at(places.value), scratch: own, pool: .single)
    }
    if o.dq == nil && o.dk == nil { return }
    rises.run(a: dy, b: v, c: second, scratch: own, pool: .single)
    slope(T.self, first, second)
    if let dq = o.dq {
      byQueries.run(a: second, b: k, c: dq + at(places.query), scratch: own, pool: .single)
    }
    if let dk = o.dk {
      byKeys.run(a: second, b: q, c: dk + at(places.key), scratch: own, pool: .single)
    }
  }

  /// Softmax of the scores in place; `inverse`: memory for a float a row.
  private func weigh<T: RowReal>(
    _: T.Type, _ scores: UnsafeMutableRawPointer, inverse: UnsafeMutableRawPointer
  ) {
    if element == .float32 {
      AttentionRows.weights(
        isa, rows: queries, n: keys, seen: isCausal ? 1 : keys, step: isCausal ? 1 : 0,
        scores.assumingMemoryBound(to: Float.self),
        inverse: inverse.assumingMemoryBound(to: Float.self))
      return
    }
    let weights = scores.assumingMemoryBound(to: T.self)
    for i in 0..<queries {
      let seen = isCausal ? min(keys, i + 1) : keys
      let row = weights + i * keys
      if seen > 0 { T.softmaxRow(row, seen, into: row) }
      for j in seen..<keys { row[j] = 0 }
    }
  }

  /// The gradients by scores, in place of those by weights.
  private func slope<T: RowReal>(
    _: T.Type, _ weights: UnsafeMutableRawPointer, _ rises: UnsafeMutableRawPointer
  ) {
    if element == .float32 {
      AttentionRows.slopes(
        isa, rows: queries, n: keys, seen: isCausal ? 1 : keys, step: isCausal ? 1 : 0,
        weights.assumingMemoryBound(to: Float.self), rises.assumingMemoryBound(to: Float.self),
        scale: Float(scale))
      return
    }
    let factor = T(scale)
    for i in 0..<queries {
      let seen = isCausal ? min(keys, i + 1) : keys
      let p = weights.assumingMemoryBound(to: T.self) + i * keys
      let d = rises.assumingMemoryBound(to: T.self) + i * keys
      var sum: T = 0
      if seen > 0 { T.dots(1, 1, seen, p, seen, d, seen, into: &sum, 1, adds: false) }
      for j in 0..<seen { d[j] = p[j] * (d[j] - sum) * factor }
      for j in seen..<keys { d[j] = 0 }
    }
  }
}
