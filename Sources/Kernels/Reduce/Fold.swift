import CKernels
import Glibc
import Tensors

/// A reduction along the middle axis of `[outer, n, inner]`, giving `[outer, inner]`.
///
/// Sums of float32 run in 64 fixed lanes over blocks of 2048 elements whose totals are added in
/// double; those of float64 in 16 lanes over blocks of 2048. Integers wrap. Max and min hand NaN on. Work is
/// split over outputs only, so results do not depend on threads.
public enum Fold: Int32, Sendable, CaseIterable {
  case sum, sumOfMagnitudes, sumOfSquares, max, min, product
  /// `log(sum(exp(x)))`, shifted by the largest element. Floats only.
  case logSumExp

  /// What folds the results of this reduction further.
  public var continued: Fold {
    switch self {
    case .sumOfMagnitudes, .sumOfSquares: .sum
    default: self
    }
  }

  /// Runs on elements of `dtype`.
  ///
  /// - Errors: `.dtype` where there is no kernel.
  public static func supports(_ dtype: DType, _ fold: Fold) -> Bool {
    switch dtype {
    case .float32, .float64: true
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: fold != .logSumExp
    case .bool: fold == .max || fold == .min
    default: false
    }
  }

  /// `x` holds `outer * n * inner` elements of `dtype`, `y` gets `outer * inner`.
  public func run(
    _ dtype: DType, _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int,
    into y: UnsafeMutableRawPointer, pool: ThreadPool, lanes: LaneSet = .best
  ) {
    precondition(Fold.supports(dtype, self), "no fold \(self) of \(dtype)")
    if self == .max || self == .min, inner == 1, n > 0, dtype != .float32 {
      let run = Fold.extremes[Int(lanes.rawValue)]
      // A bool is a byte of 0 or 1.
      let type = Int32((dtype == .bool ? .uint8 : dtype).rawValue)
      let (isMin, size): (Int32, Int) = (self == .min ? 1 : 0, dtype.byteSize)
      let each = Swift.max(1, 65_536 / (n * size))
      pool.run((outer + each - 1) / each) { i in
        let first = i * each
        run(
          type, x + first * n * size, Swift.min(each, outer - first), n, isMin, y + first * size)
      }
      return
    }
    switch dtype {
    case .float32:
      runFloat(
        x.assumingMemoryBound(to: Float.self), outer, n, inner,
        y.assumingMemoryBound(to: Float.self), pool, lanes)
    case .float64: runDouble(x, outer, n, inner, y, pool)
    case .int8: runPlain(x, outer, n, inner, y, pool, Int8.self)
    case .int16: runPlain(x, outer, n, inner, y, pool, Int16.self)
    case .int32: runPlain(x, outer, n, inner, y, pool, Int32.self)
    case .int64: runPlain(x, outer, n, inner, y, pool, Int64.self)
    case .uint8, .bool: runPlain(x, outer, n, inner, y, pool, UInt8.self, isBool: dtype == .bool)
    case .uint16: runPlain(x, outer, n, inner, y, pool, UInt16.self)
    case .uint32: runPlain(x, outer, n, inner, y, pool, UInt32.self)
    default: runPlain(x, outer, n, inner, y, pool, UInt64.self)
    }
  }

  private func runFloat(
    _ x: UnsafePointer<Float>, _ outer: Int, _ n: Int, _ inner: Int,
    _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool, _ lanes: LaneSet
  ) {
    let kind = rawValue
    if inner == 1 {
      let rows = Fold.rows[Int(lanes.rawValue)]
      // A piece holds at least 16 Ki elements.
      let each = Swift.max(1, 16384 / Swift.max(n, 1))
      pool.run((outer + each - 1) / each) { i in
        let first = i * each
        rows(kind, x + first * n, Swift.min(each, outer - first), n, y + first)
      }
    } else {
      let columns = Fold.columns[Int(lanes.rawValue)]
      // Wide enough for long runs of memory, narrow enough to share.
      let share = (inner * outer / (2 * pool.threads) + 63) / 64 * 64
      let width = pool.threads == 1 ? 512 : Swift.max(64, Swift.min(512, share))
      let tiles = (inner + width - 1) / width
      pool.run(outer * tiles) { i in
        let o = i / tiles
        let first = i % tiles * width
        columns(
          kind, x + o * n * inner, n, inner, first, Swift.min(width, inner - first), y + o * inner)
      }
    }
  }

  // C functions as such: those that Swift takes for closures are wrapped anew, on the heap, whenever
  // they are read from a list.
  private typealias Rows =
    @convention(c) (Int32, UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>?) -> Void
  private typealias Columns =
    @convention(c) (Int32, UnsafePointer<Float>?, Int, Int, Int, Int, UnsafeMutablePointer<Float>?)
    -> Void
  private typealias Extremes =
    @convention(c) (
      Int32, UnsafeRawPointer?, Int, Int, Int32, UnsafeMutableRawPointer?
    ) -> Void
  private static let extremes: [Extremes] = [
    dl_extreme_rows__scalar, dl_extreme_rows__avx2, dl_extreme_rows__avx512,
  ]
  private static let rows: [Rows] = [
    dl_reduce_f32_rows__scalar, dl_reduce_f32_rows__avx2, dl_reduce_f32_rows__avx512,
  ]
  private static let columns: [Columns] = [
    dl_reduce_f32_cols__scalar, dl_reduce_f32_cols__avx2, dl_reduce_f32_cols__avx512,
  ]

  /// The fold of one row.
  func row(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    var result: Float = 0
    Fold.rows[Int(LaneSet.best.rawValue)](rawValue, x, 1, n, &result)
    return result
  }

  private func runPlain<T: Numeral>(
    _ x: UnsafeRawPointer, _ outer: Int, _ n: Int, _ inner: Int, _ y: UnsafeMutableRawPointer,
    _ pool: ThreadPool, _: T.Type, isBool: Bool = false
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let start: T =
      switch self {
      case .product: T.oneValue
      case .max: T.lowest
      case .min: isBool ? T.oneValue : T.highest
      default: T.zeroValue
      }
    if inner == 1 {
      pool.run(outer) { o in
        let row = x + o * n
        switch self {
        case .sum, .logSumExp: y[o] = row.folded(n, start, T.plus)
        case .sumOfMagnitudes: y[o] = row.folded(n, start) { T.plus($0, $1.absolute) }
        case .sumOfSquares: y[o] = row.folded(n, start) { T.plus($0, T.times($1, $1)) }
        // Of no elements; those of some are `extremes`.
        case .max, .min: y[o] = start
        case .product: y[o] = row.folded(n, start, T.times, joined: T.times)
        }
      }
      return
    }
    pool.run(outer) { o in
      let from = x + o * n * inner
      let to = y + o * inner
      for j in 0..<inner { to[j] = start }
      for i in 0..<n {
        let row = from + i * inner
        switch self {
        case .sum, .logSumExp: for j in 0..<inner { to[j] = T.plus(to[j], row[j]) }
        case .sumOfMagnitudes: for j in 0..<inner { to[j] = T.plus(to[j], row[j].absolute) }
        case .sumOfSquares:
          for j in 0..<inner { to[j] = T.plus(to[j], T.times(row[j], row[j])) }
        case .max: for j in 0..<inner where row[j] > to[j] { to[j] = row[j] }
        case .min: for j in 0..<inner where row[j] < to[j] { to[j] = row[j] }
        case .product: for j in 0..<inner { to[j] = T.times(to[j], row[j]) }
        }
      }
    }
  }
}

/// The sum of `f` over `n` elements `step` apart, in pairs of halves down to runs of 64.
func pairwise<T: Real>(_ x: UnsafePointer<T>, _ n: Int, _ step: Int, _ f: (T) -> T) -> T {
  if n <= 64 {
    var s: T = 0
    for i in 0..<n { s += f(x[i * step]) }
    return s
  }
  let half = n / 2 / 32 * 32
  return pairwise(x, half, step, f) + pairwise(x + half * step, n - half, step, f)
}

extension UnsafePointer where Pointee: Numeral {
  /// `n` elements folded in four chains, so that no step waits for the one before it. Integers only:
  /// for them the order does not matter.
  @inline(__always) fileprivate func folded(
    _ n: Int, _ start: Pointee, _ step: (Pointee, Pointee) -> Pointee,
    joined: (Pointee, Pointee) -> Pointee = { Pointee.plus($0, $1) }
  ) -> Pointee {
    var (a, b, c, d) = (start, start, start, start)
    var i = 0
    while i + 4 <= n {
      a = step(a, self[i])
      b = step(b, self[i + 1])
      c = step(c, self[i + 2])
      d = step(d, self[i + 3])
      i += 4
    }
    while i < n {
      a = step(a, self[i])
      i += 1
    }
    return joined(joined(a, b), joined(c, d))
  }
}
