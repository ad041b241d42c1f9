import CKernels
import Glibc
import Tensors

/// Folds of float64: rows in 16 fixed lanes over blocks of 2048 elements, columns over blocks of 64
/// rows, whose totals are added.
extension Fold {
  private typealias Eight = SIMD8<Double>

  func runDouble(
    _ x: UnsafeRawPointer, _ outer: Int, _ n: Int, _ inner: Int, _ y: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: Double.self)
    let y = y.assumingMemoryBound(to: Double.self)
    if inner == 1 || self == .logSumExp {
      let each = Swift.max(1, 8192 / Swift.max(1, n * inner))
      pool.run((outer + each - 1) / each) { i in
        for o in i * each..<Swift.min(outer, (i + 1) * each) {
          for j in 0..<inner {
            let from = x + o * n * inner + j
            y[o * inner + j] =
              self == .logSumExp ? logSumExp(from, n, inner) : row(from, n)
          }
        }
      }
      return
    }
    // Sums of a block fit the stack.
    let width = 128
    let tiles = (inner + width - 1) / width
    pool.run(outer * tiles) { i in
      let (o, first) = (i / tiles, i % tiles * width)
      columns(
        x + o * n * inner + first, n, inner, Swift.min(width, inner - first),
        y + o * inner + first)
    }
  }

  private func row(_ x: UnsafePointer<Double>, _ n: Int) -> Double {
    switch self {
    case .sumOfMagnitudes: total(x, n) { $0.replacing(with: -$0, where: $0 .< 0) }
    case .sumOfSquares: total(x, n) { $0 * $0 }
    case .product: product(x, n)
    // Of no elements; those of some are `extremes`.
    case .max: -.infinity
    case .min: .infinity
    default: total(x, n) { $0 }
    }
  }

  @inline(__always) private func load(_ x: UnsafePointer<Double>, _ i: Int) -> Eight {
    UnsafeRawPointer(x + i).loadUnaligned(as: Eight.self)
  }

  /// The last elements of a row, fewer than eight, and `fill` behind them.
  private func rest(_ x: UnsafePointer<Double>, _ i: Int, _ n: Int, _ fill: Double) -> Eight {
    var v = Eight(repeating: fill)
    for k in 0..<Swift.min(8, n - i) { v[k] = x[i + k] }
    return v
  }

  @inline(__always) private func total(
    _ x: UnsafePointer<Double>, _ n: Int, _ map: (Eight) -> Eight
  ) -> Double {
    var sum = 0.0
    for block in stride(from: 0, to: n, by: 2048) {
      let end = Swift.min(n, block + 2048)
      var (a, b) = (Eight(), Eight())
      var i = block
      while i + 16 <= end {
        a += map(load(x, i))
        b += map(load(x, i + 8))
        i += 16
      }
      while i < end {
        a += map(i + 8 <= end ? load(x, i) : rest(x, i, end, 0))
        i += 8
      }
      sum += (a + b).sum()
    }
    return sum
  }

  private func product(_ x: UnsafePointer<Double>, _ n: Int) -> Double {
    var (a, b) = (Eight(repeating: 1), Eight(repeating: 1))
    var i = 0
    while i + 16 <= n {
      a *= load(x, i)
      b *= load(x, i + 8)
      i += 16
    }
    while i < n {
      a *= i + 8 <= n ? load(x, i) : rest(x, i, n, 1)
      i += 8
    }
    a *= b
    var result = a[0]
    for k in 1..<8 { result *= a[k] }
    return result
  }

  private func columns(
    _ x: UnsafePointer<Double>, _ n: Int, _ step: Int, _ width: Int,
    _ y: UnsafeMutablePointer<Double>
  ) {
    let start = self == .product ? 1.0 : self == .max ? -.infinity : self == .min ? .infinity : 0
    for j in 0..<width { y[j] = start }
    if self == .max || self == .min || self == .product {
      add(x, 0..<n, step, width, to: y)
      return
    }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 128) { part in
      guard let part = part.baseAddress else { return }
      for block in stride(from: 0, to: n, by: 64) {
        for j in 0..<width { part[j] = 0 }
        add(x, block..<Swift.min(n, block + 64), step, width, to: part)
        for j in 0..<width { y[j] += part[j] }
      }
    }
  }

  private func add(
    _ x: UnsafePointer<Double>, _ rows: Range<Int>, _ step: Int, _ width: Int,
    to y: UnsafeMutablePointer<Double>
  ) {
    let op: BinaryOp
    switch self {
    case .sumOfMagnitudes:
      for i in rows {
        let row = x + i * step
        for j in 0..<width { y[j] += row[j].magnitude }
      }
      return
    case .sumOfSquares:
      for i in rows {
        let row = x + i * step
        for j in 0..<width { y[j] += row[j] * row[j] }
      }
      return
    case .product: op = .mul
    case .max: op = .max
    case .min: op = .min
    default: op = .add
    }
    let code = Int32(DType.float64.rawValue)
    guard let join = dl_binary_kernel(op.rawValue, code, KernelISA.best.rawValue) else {
      preconditionFailure("no \(op) of float64")
    }
    for i in rows { join(y, x + i * step, y, width, 1, 1) }
  }

  private func logSumExp(_ x: UnsafePointer<Double>, _ n: Int, _ step: Int) -> Double {
    var top = -Double.infinity
    for i in 0..<n where x[i * step] > top || x[i * step].isNaN { top = x[i * step] }
    if !top.isFinite { return top }
    return top + Glibc.log(pairwise(x, n, step) { Glibc.exp($0 - top) })
  }
}
