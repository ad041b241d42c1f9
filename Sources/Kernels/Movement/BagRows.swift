/// Rows of a table, taken together by bags: sums, means or largest elements of the rows that a bag's
/// stretch of a list of places names. Runs in the bytes read.
public struct BagRows: Sendable {
  public enum Mode: Sendable {
    case sum
    case mean
    case max
  }

  public let mode: Mode
  /// Rows of the table, elements of one, places in all, and bags.
  let rows: Int
  let width: Int
  let places: Int
  let bags: Int
  let isParallel: Bool

  public init(_ mode: Mode, rows: Int, width: Int, places: Int, bags: Int, threads: Int = 1) {
    (self.mode, self.rows, self.width, self.places, self.bags) = (mode, rows, width, places, bags)
    isParallel = threads > 1 && places * width >= 65_536
  }

  /// The first place that names no row; nil where all do.
  public func stray(_ list: UnsafePointer<Int64>) -> Int64? {
    for i in 0..<places where list[i] >= rows || list[i] < -rows { return list[i] }
    return nil
  }

  /// Bag b becomes the rows at `list[start[b]..<end[b]]`, times `factors` where given. Starts and ends
  /// below zero count from the end, and all are brought into the list.
  ///
  /// - `list`: names rows alone, those below zero from the end.
  public func run(
    table: UnsafePointer<Float>, list: UnsafePointer<Int64>, starts: UnsafePointer<Int64>,
    ends: UnsafePointer<Int64>, factors: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    nonisolated(unsafe) let (table, list, starts, ends) = (table, list, starts, ends)
    nonisolated(unsafe) let (factors, y) = (factors, y)
    let pieces = isParallel ? min(bags, pool.threads * 4) : 1
    pool.run(pieces) { piece in
      for bag in (piece * bags / pieces)..<((piece + 1) * bags / pieces) {
        let (first, end) = (place(starts[bag]), place(ends[bag]))
        let to = y + bag * width
        to.update(repeating: mode == .max ? -.infinity : 0, count: width)
        for i in first..<Swift.max(first, end) {
          let row = Int(list[i]) < 0 ? Int(list[i]) + rows : Int(list[i])
          add(table + row * width, factors.map { $0[i] }, to)
        }
        if mode == .mean {
          let count = Float(Swift.max(0, end - first))
          for k in 0..<width { to[k] /= count }
        }
      }
    }
  }

  private func place(_ given: Int64) -> Int {
    let n = Int64(places)
    return Int(Swift.min(Swift.max(given < 0 ? Swift.max(given, -n) + n : given, 0), n))
  }

  private func add(
    _ row: UnsafePointer<Float>, _ factor: Float?, _ to: UnsafeMutablePointer<Float>
  ) {
    switch (mode, factor) {
    case (.max, let factor):
      for k in 0..<width {
        let v = row[k] * (factor ?? 1)
        to[k] = v > to[k] || v.isNaN ? v : to[k]
      }
    case (_, nil): for k in 0..<width { to[k] += row[k] }
    case (_, let factor?): for k in 0..<width { to[k] += row[k] * factor }
    }
  }
}
