import CKernels
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
    into y: UnsafeMutablePointer<Int64>, pool: ThreadPool, lanes: LaneSet = .best
  ) {
    if dtype == .float32 && n > 0 && n <= Int(Int32.max) {
      runFloat(x.assumingMemoryBound(to: Float.self), outer, n, inner, y, pool, lanes)
      return
    }
    guard n > 0, n <= Int(Int32.max) else {
      visitNumeral(
        dtype, Run(arg: self, x: x, outer: outer, n: n, inner: inner, y: y, pool: pool))
      return
    }
    runPlain(dtype, x, outer, n, inner, y, pool, lanes)
  }

  private typealias PlainRows =
    @convention(c) (
      Int32, UnsafeRawPointer?, Int, Int, Int32, Int32, UnsafeMutablePointer<Int64>?
    ) -> Void
  private typealias PlainColumns =
    @convention(c) (
      Int32, UnsafeRawPointer?, Int, Int, Int, Int, Int32, Int32, UnsafeMutablePointer<Int64>?
    ) -> Void
  private static let plainRows: [PlainRows] = [
    dl_arg_rows__scalar, dl_arg_rows__avx2, dl_arg_rows__avx512,
  ]
  private static let plainColumns: [PlainColumns] = [
    dl_arg_cols__scalar, dl_arg_cols__avx2, dl_arg_cols__avx512,
  ]

  private func runPlain(
    _ dtype: DType, _ x: UnsafeRawPointer, _ outer: Int, _ n: Int, _ inner: Int,
    _ y: UnsafeMutablePointer<Int64>, _ pool: ThreadPool, _ lanes: LaneSet
  ) {
    let (least, last): (Int32, Int32) = (isMin ? 1 : 0, selectsLast ? 1 : 0)
    let (type, size) = (Int32(dtype.rawValue), dtype.byteSize)
    if inner == 1 {
      let run = ArgKernel.plainRows[Int(lanes.rawValue)]
      let each = Swift.max(1, 65_536 / (n * size))
      pool.run((outer + each - 1) / each) { i in
        let first = i * each
        run(type, x + first * n * size, Swift.min(each, outer - first), n, least, last, y + first)
      }
      return
    }
    let run = ArgKernel.plainColumns[Int(lanes.rawValue)]
    let width = 256
    let tiles = (inner + width - 1) / width
    pool.run(outer * tiles) { i in
      let (o, first) = (i / tiles, i % tiles * width)
      run(
        type, x + o * n * inner * size, n, inner, first, Swift.min(width, inner - first), least,
        last, y + o * inner)
    }
  }

  // C functions as such, as in `Fold`.
  private typealias Rows =
    @convention(c) (
      UnsafePointer<Float>?, Int, Int, Int32, Int32, UnsafeMutablePointer<Int64>?
    ) -> Void
  private typealias Columns =
    @convention(c) (
      UnsafePointer<Float>?, Int, Int, Int, Int, Int32, Int32, UnsafeMutablePointer<Int64>?
    ) -> Void
  private static let rows: [Rows] = [
    dl_arg_f32_rows__scalar, dl_arg_f32_rows__avx2, dl_arg_f32_rows__avx512,
  ]
  private static let columns: [Columns] = [
    dl_arg_f32_cols__scalar, dl_arg_f32_cols__avx2, dl_arg_f32_cols__avx512,
  ]

  private func runFloat(
    _ x: UnsafePointer<Float>, _ outer: Int, _ n: Int, _ inner: Int,
    _ y: UnsafeMutablePointer<Int64>, _ pool: ThreadPool, _ lanes: LaneSet
  ) {
    let (least, last): (Int32, Int32) = (isMin ? 1 : 0, selectsLast ? 1 : 0)
    if inner == 1 {
      let run = ArgKernel.rows[Int(lanes.rawValue)]
      let each = Swift.max(1, 16384 / n)
      pool.run((outer + each - 1) / each) { i in
        let first = i * each
        run(x + first * n, Swift.min(each, outer - first), n, least, last, y + first)
      }
    } else {
      let run = ArgKernel.columns[Int(lanes.rawValue)]
      let width = 256
      let tiles = (inner + width - 1) / width
      pool.run(outer * tiles) { i in
        let o = i / tiles
        let first = i % tiles * width
        run(
          x + o * n * inner, n, inner, first, Swift.min(width, inner - first), least, last,
          y + o * inner)
      }
    }
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
    if dtype == .float32 && inner == 1 && n > 0 {
      let x = x.assumingMemoryBound(to: Float.self)
      let y = y.assumingMemoryBound(to: Float.self)
      let run = rows[Int(LaneSet.best.rawValue)]
      let each = Swift.max(1, 16384 / n)
      pool.run((outer + each - 1) / each) { i in
        let (first, end) = (i * each, Swift.min(outer, (i + 1) * each))
        (y + first * n).update(repeating: 0, count: (end - first) * n)
        // No more than fits the stack.
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 128) { places in
          for row in stride(from: first, to: end, by: 128) {
            let some = Swift.min(128, end - row)
            run(x + row * n, some, n, 0, 0, places.baseAddress)
            for o in 0..<some { y[(row + o) * n + Int(places[o])] = 1 }
          }
        }
      }
      return
    }
    if dtype == .float32 && n > 0 && n <= Int(Int32.max) {
      let x = x.assumingMemoryBound(to: Float.self)
      let y = y.assumingMemoryBound(to: Float.self)
      let run = columns[Int(LaneSet.best.rawValue)]
      let width = 128
      let tiles = (inner + width - 1) / width
      pool.run(outer * tiles) { i in
        let first = i % tiles * width
        let count = Swift.min(width, inner - first)
        let at = i / tiles * n * inner + first
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 128) { places in
          run(x + at, n, inner, 0, count, 0, 0, places.baseAddress)
          for k in 0..<n { (y + at + k * inner).update(repeating: 0, count: count) }
          for j in 0..<count { y[at + Int(places[j]) * inner + j] = 1 }
        }
      }
      return
    }
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
