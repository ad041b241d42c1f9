import Glibc
import Tensors

extension SoftmaxKernel {
  /// Columns that are worked on at once.
  private static let width = 64

  static func runDouble(
    _ log: Bool, _ x: UnsafePointer<Double>, _ outer: Int, _ n: Int, _ inner: Int,
    _ y: UnsafeMutablePointer<Double>, _ pool: ThreadPool, _ lanes: LaneSet
  ) {
    let isa = KernelISA(rawValue: min(lanes.rawValue, KernelISA.best.rawValue)) ?? .scalar
    guard n > 0, let exp = UnaryKernel(.exp, .float64, isa: isa) else { return }
    if inner == 1 {
      let each = max(1, 4096 / n)
      pool.run((outer + each - 1) / each) { i in
        for o in i * each..<min(outer, (i + 1) * each) {
          row(log, x + o * n, n, y + o * n, exp, lanes)
        }
      }
      return
    }
    let tiles = (inner + width - 1) / width
    pool.run(outer * tiles) { i in
      let (at, first) = (i / tiles * n * inner, i % tiles * width)
      columns(log, x + at + first, n, inner, min(width, inner - first), y + at + first, exp)
    }
  }

  private static func row(
    _ log: Bool, _ x: UnsafePointer<Double>, _ n: Int, _ y: UnsafeMutablePointer<Double>,
    _ exp: UnaryKernel, _ lanes: LaneSet
  ) {
    var (top, total) = (0.0, 0.0)
    Fold.max.run(
      .float64, x, outer: 1, n: n, inner: 1, into: &top, pool: .single, lanes: lanes)
    if !log {
      for i in 0..<n { y[i] = x[i] - top }
      exp.run(count: n, y, y)
      Fold.sum.run(.float64, y, outer: 1, n: n, inner: 1, into: &total, pool: .single)
      for i in 0..<n { y[i] /= total }
      return
    }
    // The result may lie over the input, which is read once more.
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 256) { part in
      guard let part = part.baseAddress else { return }
      for first in stride(from: 0, to: n, by: 256) {
        let (count, from) = (min(256, n - first), x + first)
        for i in 0..<count { part[i] = from[i] - top }
        exp.run(count: count, part, part)
        var sum = 0.0
        Fold.sum.run(.float64, part, outer: 1, n: count, inner: 1, into: &sum, pool: .single)
        total += sum
      }
    }
    let shift = Glibc.log(total)
    for i in 0..<n { y[i] = (x[i] - top) - shift }
  }

  private static func columns(
    _ log: Bool, _ x: UnsafePointer<Double>, _ n: Int, _ step: Int, _ count: Int,
    _ y: UnsafeMutablePointer<Double>, _ exp: UnaryKernel
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * width) { spare in
      guard let tops = spare.baseAddress else { return }
      let (totals, part) = (tops + width, tops + 2 * width)
      for j in 0..<count {
        tops[j] = -.infinity
        totals[j] = 0
      }
      for i in 0..<n {
        let from = x + i * step
        for j in 0..<count {
          tops[j] = (from[j] > tops[j]) || (from[j] != from[j]) ? from[j] : tops[j]
        }
      }
      for i in 0..<n {
        let (from, to) = (x + i * step, log ? part : y + i * step)
        for j in 0..<count { to[j] = from[j] - tops[j] }
        exp.run(count: count, to, to)
        for j in 0..<count { totals[j] += to[j] }
      }
      if log {
        for j in 0..<count { totals[j] = Glibc.log(totals[j]) }
      }
      for i in 0..<n {
        let (from, to) = (x + i * step, y + i * step)
        if log {
          for j in 0..<count { to[j] = (from[j] - tops[j]) - totals[j] }
        } else {
          for j in 0..<count { to[j] /= totals[j] }
        }
      }
    }
  }
}
