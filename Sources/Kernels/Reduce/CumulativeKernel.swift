import Tensors

/// Running sums or products along the middle axis of `[outer, n, inner]`, element after element.
public struct CumulativeKernel: NumeralVisitor {
  let isProduct: Bool
  let isExclusive: Bool
  let isReverse: Bool
  let x: UnsafeRawPointer
  let outer: Int
  let n: Int
  let inner: Int
  let y: UnsafeMutableRawPointer
  let pool: ThreadPool

  /// - Parameter isExclusive: whether an element does not count itself.
  /// - Parameter isReverse: whether it runs from the end.
  public static func run(
    _ dtype: DType, isProduct: Bool, isExclusive: Bool, isReverse: Bool, _ x: UnsafeRawPointer,
    outer: Int, n: Int, inner: Int, into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    visitNumeral(
      dtype,
      CumulativeKernel(
        isProduct: isProduct, isExclusive: isExclusive, isReverse: isReverse, x: x, outer: outer,
        n: n, inner: inner, y: y, pool: pool))
  }

  public func visit<T: Numeral>(_: T.Type) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let start = isProduct ? T.oneValue : T.zeroValue
    if inner == 1 {
      pool.run(outer) { o in
        if isProduct {
          runRow(x + o * n, y + o * n, start, T.times)
        } else {
          runRow(x + o * n, y + o * n, start, T.plus)
        }
      }
      return
    }
    pool.run(outer) { o in
      let base = o * n * inner
      for step in 0..<n {
        let i = isReverse ? n - 1 - step : step
        let before = isReverse ? i + 1 : i - 1
        let to = y + base + i * inner
        let last = y + base + before * inner
        let source = isExclusive ? x + base + before * inner : x + base + i * inner
        if step == 0 {
          for j in 0..<inner { to[j] = isExclusive ? start : source[j] }
        } else if isProduct {
          for j in 0..<inner { to[j] = T.times(last[j], source[j]) }
        } else {
          for j in 0..<inner { to[j] = T.plus(last[j], source[j]) }
        }
      }
    }
  }

  /// One row, what has come together staying in a register.
  @inline(__always) private func runRow<T: Numeral>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ start: T, _ join: (T, T) -> T
  ) {
    if n == 0 { return }
    let (first, step) = isReverse ? (n - 1, -1) : (0, 1)
    var sum = isExclusive ? start : x[first]
    y[first] = sum
    for k in 1..<max(n, 1) {
      let i = first &+ k &* step
      sum = join(sum, isExclusive ? x[i &- step] : x[i])
      y[i] = sum
    }
  }
}
