import Tensors

/// The place of the largest or smallest element along the middle axis of `[outer, n, inner]`.
///
/// NaN beats every number. Among equals the first wins, or the last.
public struct ArgKernel: Sendable {
  public let isMin: Bool
  public let selectsLast: Bool

  public init(isMin: Bool, selectsLast: Bool) {
    self.isMin = isMin
    self.selectsLast = selectsLast
  }

  /// `y` gets `outer * inner` places; `n` must not be 0 unless there are no results.
  public func run(
    _ dtype: DType, _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int,
    into y: UnsafeMutablePointer<Int64>, pool: ThreadPool
  ) {
    visitNumeral(
      dtype, Run(arg: self, x: x, outer: outer, n: n, inner: inner, y: y, pool: pool))
  }

  @inline(__always) func best<T: Numeral>(_ x: UnsafePointer<T>, _ n: Int, _ step: Int) -> Int {
    var place = 0
    var best = x[0]
    for i in 1..<Swift.max(n, 1) {
      let v = x[i * step]
      let isBetter: Bool
      if best.isNotANumber {
        isBetter = selectsLast && v.isNotANumber
      } else if v.isNotANumber {
        isBetter = true
      } else if isMin ? v < best : v > best {
        isBetter = true
      } else {
        isBetter = selectsLast && v == best
      }
      if isBetter {
        best = v
        place = i
      }
    }
    return place
  }

  private struct Run: NumeralVisitor {
    let arg: ArgKernel
    let x: UnsafeRawPointer
    let outer: Int
    let n: Int
    let inner: Int
    let y: UnsafeMutablePointer<Int64>
    let pool: ThreadPool
    func visit<T: Numeral>(_: T.Type) {
      let x = x.assumingMemoryBound(to: T.self)
      pool.run(outer) { o in
        for j in 0..<inner {
          y[o * inner + j] = Int64(arg.best(x + o * n * inner + j, n, inner))
        }
      }
    }
  }

  /// Ones at the first largest element of each slice, zeros elsewhere.
  public static func hardmax(
    _ dtype: DType, _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int,
    into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    visitNumeral(
      dtype, Hardmax(x: x, outer: outer, n: n, inner: inner, y: y, pool: pool))
  }

  private struct Hardmax: NumeralVisitor {
    let x: UnsafeRawPointer
    let outer: Int
    let n: Int
    let inner: Int
    let y: UnsafeMutableRawPointer
    let pool: ThreadPool
    func visit<T: Numeral>(_: T.Type) {
      let x = x.assumingMemoryBound(to: T.self)
      let y = y.assumingMemoryBound(to: T.self)
      if n == 0 { return }
      let arg = ArgKernel(isMin: false, selectsLast: false)
      pool.run(outer) { o in
        for j in 0..<inner {
          let at = o * n * inner + j
          let place = arg.best(x + at, n, inner)
          for i in 0..<n { y[at + i * inner] = i == place ? T.oneValue : T.zeroValue }
        }
      }
    }
  }
}
