import Tensors

/// New rows written into a cache of keys or values, `[batch, heads, capacity, size]`, float32.
public struct CacheUpdate: Sendable {
  public let batch: Int
  public let heads: Int
  public let size: Int
  /// Rows of a head in the past cache.
  public let pastRows: Int
  /// Rows of a head in the new cache, not fewer than in the past one.
  public let capacity: Int
  /// New rows of each batch entry.
  public let rows: Int
  public let layout: AttentionKernel.Layout

  /// - `layout`: how the new rows lie.
  public init(
    batch: Int, heads: Int, size: Int, pastRows: Int, capacity: Int, rows: Int,
    layout: AttentionKernel.Layout
  ) {
    precondition(capacity >= pastRows, "a cache of \(capacity) rows after one of \(pastRows)")
    self.batch = batch
    self.heads = heads
    self.size = size
    self.pastRows = pastRows
    self.capacity = capacity
    self.rows = rows
    self.layout = layout
  }

  /// Elements of the new cache.
  public var count: Int { batch * heads * capacity * size }

  /// Copies the past rows, writes new row `i < counts[b]` at `starts[b] + i`, and clears what lies
  /// behind the past rows otherwise.
  ///
  /// Without `starts` new rows follow the past ones; without `counts` all are written. Places must
  /// lie within the capacity. `y` may be `past` where the capacities agree: nothing is copied then.
  public func run(
    past: UnsafeRawPointer?, new: UnsafeRawPointer, starts: UnsafePointer<Int64>?,
    counts: UnsafePointer<Int64>?, into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let from = new.assumingMemoryBound(to: Float.self)
    let to = y.assumingMemoryBound(to: Float.self)
    let isShared = past == UnsafeRawPointer(y)
    pool.run(batch * heads) { i in
      let b = i / heads
      let row = to + i * capacity * size
      if let past, !isShared {
        row.update(
          from: past.assumingMemoryBound(to: Float.self) + i * pastRows * size,
          count: pastRows * size)
      }
      let start = starts.map { Int($0[b]) } ?? pastRows
      let count = counts.map { Int($0[b]) } ?? rows
      let end = start + count
      if start > pastRows {
        (row + pastRows * size).update(repeating: 0, count: (start - pastRows) * size)
      }
      let clear = max(end, pastRows)
      (row + clear * size).update(repeating: 0, count: (capacity - clear) * size)
      let source = from + b * layout.batch + i % heads * layout.head
      for r in 0..<count {
        (row + (start + r) * size).update(from: source + r * layout.row, count: size)
      }
    }
  }
}
