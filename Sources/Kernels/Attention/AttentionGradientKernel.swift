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
  let pieces: Int
  let pieceBytes: Int
  /// `Q K^T`, `dY V^T`, `dS K`, `dS^T Q`, `P^T dY`.
  let scores, rises, byQueries, byKeys, byValues: GemmPlan

  /// - `heads`: those of all images; `isCausal`: whether query i sees keys 0 to i alone.
  public init(
    heads: Int, queries: Int, keys: Int, size: Int, valueSize: Int, isCausal: Bool, scale: Double,
    element: GemmElement, threads: Int
  ) {
    self.heads = heads
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
    scores = GemmPlan(
      m: queries, n: keys, k: size, element: element, b: column(size), epilogue: scaled)
    rises = GemmPlan(m: queries, n: keys, k: valueSize, element: element, b: column(valueSize))
    byQueries = GemmPlan(m: queries, n: size, k: keys, element: element)
    byKeys = GemmPlan(m: keys, n: size, k: queries, element: element, a: column(keys))
    byValues = GemmPlan(m: keys, n: valueSize, k: queries, element: element, a: column(keys))
    pieces = max(1, min(heads, threads > 1 ? threads * 4 : 1))
    let gemm = [scores, rises, byQueries, byKeys, byValues].map(\.scratchBytes).max() ?? 0
    pieceBytes =
      2 * GemmPlan.aligned(queries * keys * element.byteSize) + GemmPlan.aligned(gemm)
  }

  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { pieces * pieceBytes }

  /// Each `[heads, rows, size]`; gradients that are not wanted are nil.
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
    let (q, k) = (o.q + head * queries * size * es, o.k + head * keys * size * es)
    let (v, dy) = (
      o.v + head * keys * valueSize * es, o.dy + head * queries * valueSize * es
    )
    scores.run(a: q, b: k, c: first, scratch: own, pool: .single)
    let weights = first.assumingMemoryBound(to: T.self)
    for i in 0..<queries {
      let seen = isCausal ? min(keys, i + 1) : keys
      let row = weights + i * keys
      if seen > 0 { T.softmaxRow(row, seen, into: row) }
      for j in seen..<keys { row[j] = 0 }
    }
    if let dv = o.dv {
      byValues.run(
        a: first, b: dy, c: dv + head * keys * valueSize * es, scratch: own, pool: .single)
    }
    if o.dq == nil && o.dk == nil { return }
    rises.run(a: dy, b: v, c: second, scratch: own, pool: .single)
    let slopes = second.assumingMemoryBound(to: T.self)
    for i in 0..<queries {
      let seen = isCausal ? min(keys, i + 1) : keys
      let (p, d) = (weights + i * keys, slopes + i * keys)
      var sum: T = 0
      if seen > 0 { T.dots(1, 1, seen, p, seen, d, seen, into: &sum, 1, adds: false) }
      let factor = T(scale)
      for j in 0..<seen { d[j] = p[j] * (d[j] - sum) * factor }
      for j in seen..<keys { d[j] = 0 }
    }
    if let dq = o.dq {
      byQueries.run(
        a: second, b: k, c: dq + head * queries * size * es, scratch: own, pool: .single)
    }
    if let dk = o.dk {
      byKeys.run(
        a: second, b: q, c: dk + head * keys * size * es, scratch: own, pool: .single)
    }
  }
}
