import CKernels

/// Picks elements by one table of places for each axis: `target[i, j, ...] =
/// source[tables[0][i], tables[1][j], ...]`, planned once and run often.
///
/// Trailing axes that are taken whole become blocks, and rows equal to the row before are copied
/// from it. Runs in the bytes written.
public final class TableGather: @unchecked Sendable {
  /// Byte offsets of all tables, one behind another.
  private let offsets: UnsafeMutablePointer<Int64>
  private let starts: [Int]
  private let sizes: [Int]
  private let block: Int
  private let rows: Int
  public let byteCount: Int

  /// Every entry of `tables[axis]` lies within `0..<sourceSizes[axis]`.
  public init(sourceSizes: [Int], tables: [[Int]], elementBytes: Int) {
    precondition(sourceSizes.count == tables.count, "\(tables.count) tables for \(sourceSizes)")
    for (size, table) in zip(sourceSizes, tables) {
      precondition(
        table.allSatisfy { $0 >= 0 && $0 < size }, "a table leads outside an axis of \(size)")
    }
    let strides = StridedCopy.rowMajor(sourceSizes)
    var axes = Array(tables.indices)
    var block = elementBytes
    while let last = axes.last, tables[last].elementsEqual(0..<sourceSizes[last]) {
      block *= sourceSizes[last]
      axes.removeLast()
    }
    // Neighbouring whole axes become one.
    var merged: [(table: [Int], stride: Int)] = []
    for axis in axes {
      let isWhole = tables[axis].elementsEqual(0..<sourceSizes[axis])
      if isWhole, let before = merged.last, before.table.elementsEqual(0..<before.table.count),
        before.stride == strides[axis] * sourceSizes[axis]
      {
        merged[merged.count - 1] = (
          Array(0..<before.table.count * sourceSizes[axis]), strides[axis]
        )
      } else {
        merged.append((tables[axis], strides[axis]))
      }
    }
    self.block = block
    sizes = merged.map(\.table.count)
    byteCount = sizes.reduce(block, *)
    rows = sizes.dropLast().reduce(1, *)
    offsets = .allocate(capacity: max(1, sizes.reduce(0, +)))
    var starts: [Int] = []
    var next = 0
    for (table, stride) in merged {
      starts.append(next)
      for place in table {
        offsets[next] = Int64(place * stride * elementBytes)
        next += 1
      }
    }
    self.starts = starts
  }

  deinit { offsets.deallocate() }

  /// Moves the elements. `target` and `source` do not overlap.
  public func run(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer, pool: ThreadPool
  ) {
    if byteCount == 0 { return }
    guard let last = sizes.last else {
      target.copyMemory(from: source, byteCount: block)
      return
    }
    let pieces = byteCount >= 1 << 17 ? min(pool.threads * 2, rows) : 1
    let table = offsets + starts[sizes.count - 1]
    pool.run(max(1, pieces)) { piece in
      let first = rows * piece / pieces
      var previous = -1
      for row in first..<rows * (piece + 1) / pieces {
        var rest = row
        var base = 0
        for axis in stride(from: sizes.count - 2, through: 0, by: -1) {
          base += Int(offsets[starts[axis] + rest % sizes[axis]])
          rest /= sizes[axis]
        }
        let to = target + row * last * block
        if base == previous {
          to.copyMemory(from: to - last * block, byteCount: last * block)
        } else {
          dl_take_blocks__scalar(to, source + base, table, Int64(last), Int64(block))
        }
        previous = base
      }
    }
  }
}
