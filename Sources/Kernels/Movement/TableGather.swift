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
  /// Stretches of the last axis: how many blocks, less than 0 where they lie behind one another.
  private let stretches: UnsafeMutablePointer<Int64>
  private let stretchCount: Int
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
    let list = TableGather.stretches(of: merged.last?.table ?? [], block: block)
    stretchCount = list.count
    stretches = .allocate(capacity: max(1, list.count))
    for (i, s) in list.enumerated() { stretches[i] = Int64(s.isRun ? -s.count : s.count) }
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

  deinit {
    offsets.deallocate()
    stretches.deallocate()
  }

  /// Moves the elements. `target` and `source` do not overlap.
  public func run(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer, pool: ThreadPool,
    lanes: LaneSet = .best
  ) {
    if byteCount == 0 { return }
    guard let last = sizes.last else {
      target.copyMemory(from: source, byteCount: block)
      return
    }
    let pieces = byteCount >= 1 << 17 ? min(pool.threads * 2, rows) : 1
    let table = dl_row_table(
      offsets: offsets + starts[sizes.count - 1], lengths: stretches, last: Int64(last),
      block: Int64(block), stretches: Int64(stretchCount), repeats: Int64(repeats))
    // Rows along the axis before the last go in one call.
    let inner = sizes.count > 1 ? sizes[sizes.count - 2] : 1
    let alone: Int64 = 0
    let innerOffsets = sizes.count > 1 ? offsets + starts[sizes.count - 2] : nil
    pool.run(max(1, pieces)) { piece in
      var row = rows * piece / pieces
      let end = rows * (piece + 1) / pieces
      while row < end {
        let first = row % inner
        let count = min(inner - first, end - row)
        var rest = row / inner
        var base = 0
        for axis in stride(from: sizes.count - 3, through: 0, by: -1) {
          base += Int(offsets[starts[axis] + rest % sizes[axis]])
          rest /= sizes[axis]
        }
        withUnsafePointer(to: table) { table in
          withUnsafePointer(to: alone) { alone in
            dl_gather_rows(
              table, target + row * last * block, source + base,
              innerOffsets.map { UnsafePointer($0 + first) } ?? alone, Int64(count),
              lanes.rawValue)
          }
        }
        row += count
      }
    }
  }
}
