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
  /// How often each block of the last axis is repeated, where all are, 2 to 4 times; else 1.
  private let repeats: Int
  /// Stretches of the last axis: how many blocks, and whether they lie behind one another.
  private let stretches: [(count: Int, isRun: Bool)]
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
    repeats = TableGather.repeats(in: merged.last?.table ?? [], block: block)
    stretches = TableGather.stretches(of: merged.last?.table ?? [], block: block)
  }

  private static func repeats(in table: [Int], block: Int) -> Int {
    guard [1, 2, 4, 8].contains(block), table.count >= 16 else { return 1 }
    let count = 2...4
    return count.first { n in
      table.count % n == 0 && table.indices.allSatisfy { table[$0] == table[0] + $0 / n }
    } ?? 1
  }

  /// Runs of 64 bytes and more are copied whole; what lies between them is taken block by block.
  private static func stretches(
    of table: [Int], block: Int
  ) -> [(count: Int, isRun: Bool)] {
    var list: [(count: Int, isRun: Bool)] = []
    var i = 0
    while i < table.count {
      var end = i + 1
      while end < table.count, table[end] == table[end - 1] + 1 { end += 1 }
      let isRun = (end - i) * block >= 64
      if !isRun, let last = list.last, !last.isRun {
        list[list.count - 1].count += end - i
      } else {
        list.append((end - i, isRun))
      }
      i = end
    }
    return list
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
        } else if repeats > 1 {
          dl_repeat_blocks__scalar(
            to, source + base + Int(table[0]), Int64(last / repeats), Int64(repeats), Int64(block))
        } else {
          var at = 0
          for stretch in stretches {
            if stretch.isRun {
              (to + at * block).copyMemory(
                from: source + base + Int(table[at]), byteCount: stretch.count * block)
            } else {
              dl_take_blocks__scalar(
                to + at * block, source + base, table + at, Int64(stretch.count), Int64(block))
            }
            at += stretch.count
          }
        }
        previous = base
      }
    }
  }
}
