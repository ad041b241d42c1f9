import Tensors

/// The `k` largest or smallest elements along the middle axis of `[outer, n, inner]`, best first.
///
/// NaN counts as larger than every number; among equals the lower index is better. A heap of the
/// best so far is kept in the output for indices itself, so there is no scratch:
/// `n log k` comparisons a slice. Rows of float32 are scanned for elements beyond the worst of those
/// kept, which are kept as integers that compare as they do (`TopKRows`).
public struct TopKKernel: NumeralVisitor {
  let x: UnsafeRawPointer
  let outer: Int
  let n: Int
  let inner: Int
  let k: Int
  let isLargest: Bool
  let values: UnsafeMutableRawPointer
  let indices: UnsafeMutablePointer<Int64>
  let pool: ThreadPool

  /// `values` and `indices` are `[outer, k, inner]`; `0 <= k <= n`.
  public static func run(
    _ dtype: DType, _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int, k: Int,
    isLargest: Bool, values: UnsafeMutableRawPointer, indices: UnsafeMutablePointer<Int64>,
    pool: ThreadPool
  ) {
    precondition(k >= 0 && k <= n, "k \(k) of \(n)")
    visitNumeral(
      dtype,
      TopKKernel(
        x: x, outer: outer, n: n, inner: inner, k: k, isLargest: isLargest, values: values,
        indices: indices, pool: pool))
  }

  public func visit<T: Numeral>(_: T.Type) {
    if k == 0 { return }
    if T.self == Float.self, inner == 1, n < 1 << 32 {
      let rows = TopKRows(n: n, k: k, isLargest: isLargest)
      let x = x.assumingMemoryBound(to: Float.self)
      let values = values.assumingMemoryBound(to: Float.self)
      let each = max(1, 2048 / n)
      pool.run((outer + each - 1) / each) { i in
        for o in i * each..<min((i + 1) * each, outer) {
          rows.select(x + o * n, values + o * k, indices + o * k)
        }
      }
      return
    }
    if T.self == Float.self, k <= TopKColumns.most, n < 1 << 32 {
      let columns = TopKColumns(rows: TopKRows(n: n, k: k, isLargest: isLargest), inner: inner)
      let x = x.assumingMemoryBound(to: Float.self)
      let values = values.assumingMemoryBound(to: Float.self)
      let width = TopKColumns.width
      let tiles = (inner + width - 1) / width
      pool.run(outer * tiles) { i in
        let (o, first) = (i / tiles, i % tiles * width)
        columns.select(
          x + o * n * inner, first: first, width: min(width, inner - first),
          values + o * k * inner, indices + o * k * inner)
      }
      return
    }
    let x = x.assumingMemoryBound(to: T.self)
    let values = values.assumingMemoryBound(to: T.self)
    pool.run(outer) { o in
      for j in 0..<inner {
        let slice = x + o * n * inner + j
        let to = o * k * inner + j
        select(slice, indices + to)
        for i in 0..<k { values[to + i * inner] = slice[Int(indices[to + i * inner]) * inner] }
      }
    }
  }

  /// Whether the element at `a` comes after the one at `b`.
  @inline(__always)
  private func isWorse<T: Numeral>(_ x: UnsafePointer<T>, _ a: Int64, _ b: Int64) -> Bool {
    let (v, w) = (x[Int(a) * inner], x[Int(b) * inner])
    let (vNaN, wNaN) = (v.isNotANumber, w.isNotANumber)
    if vNaN || wNaN { return vNaN && wNaN ? a > b : vNaN != isLargest }
    if v == w { return a > b }
    return isLargest ? v < w : v > w
  }

  private func select<T: Numeral>(_ x: UnsafePointer<T>, _ heap: UnsafeMutablePointer<Int64>) {
    // The root is the worst of those kept.
    func sink(_ start: Int, _ count: Int) {
      var at = start
      let item = heap[at * inner]
      while true {
        var child = 2 * at + 1
        if child >= count { break }
        if child + 1 < count, isWorse(x, heap[(child + 1) * inner], heap[child * inner]) {
          child += 1
        }
        if !isWorse(x, heap[child * inner], item) { break }
        heap[at * inner] = heap[child * inner]
        at = child
      }
      heap[at * inner] = item
    }
    for i in 0..<k { heap[i * inner] = Int64(i) }
    for i in stride(from: k / 2 - 1, through: 0, by: -1) { sink(i, k) }
    for i in k..<n where isWorse(x, heap[0], Int64(i)) {
      heap[0] = Int64(i)
      sink(0, k)
    }
    for last in stride(from: k - 1, to: 0, by: -1) {
      let worst = heap[0]
      heap[0] = heap[last * inner]
      heap[last * inner] = worst
      sink(0, last)
    }
  }
}
