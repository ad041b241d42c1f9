import CKernels
import Tensors

/// A packed forest in memory of its own, as the C kernels read it.
final class PackedForest: @unchecked Sendable {
  private let memory: AlignedMemory
  private let members: [Double]
  let isCompact: Bool
  /// Columns of a row.
  let width: Int
  /// Rows of a block.
  let rows: Int
  private let hasHeads: Bool
  /// Some tree is walked, at least in part.
  private let hasWalks: Bool
  private let forest: UnsafeMutablePointer<dl_forest>
  private let columns: UnsafePointer<dl_forest_column>

  /// - Errors: `.budget` when there is no memory.
  init(_ p: ForestPacking) throws(EngineError) {
    var offsets: [Int] = []
    var size = 0
    func place(_ bytes: Int) {
      offsets.append(size)
      size += (bytes + 63) & ~63
    }
    let nodeBytes =
      p.isCompact
      ? p.compact.count * MemoryLayout<dl_tree_node_f32>.stride
      : p.wide.count * MemoryLayout<dl_tree_node_wide>.stride
    // Sums in float for both kinds of narrow forests.
    let isDouble = !p.columns.isNarrow
    place(MemoryLayout<dl_forest>.stride)
    place(nodeBytes)
    place(p.weights.count * (isDouble ? 8 : 4))
    place(p.trees.count * MemoryLayout<dl_tree>.stride)
    place(p.words.count * MemoryLayout<dl_tree_word>.stride)
    place(p.tests.count * MemoryLayout<dl_tree_test>.stride)
    place(p.tables.count * 4)
    place(p.codes.count * 4)
    place(p.columns.columns.count * MemoryLayout<dl_forest_column>.stride)
    memory = try AlignedMemory(byteCount: size)
    let base = memory.bytes
    func copy<T>(_ list: [T], _ i: Int) {
      list.withUnsafeBytes {
        if let from = $0.baseAddress {
          (base + offsets[i]).copyMemory(from: from, byteCount: $0.count)
        }
      }
    }
    if p.isCompact { copy(p.compact, 1) } else { copy(p.wide, 1) }
    if isDouble { copy(p.weights, 2) } else { copy(p.weights.map { Float($0) }, 2) }
    copy(p.trees, 3)
    copy(p.words, 4)
    copy(p.tests, 5)
    copy(p.tables, 6)
    copy(p.codes, 7)
    copy(p.columns.columns, 8)
    members = p.columns.members
    isCompact = p.isCompact
    rows = p.rows
    width = p.columns.columns.count
    hasHeads = p.trees.contains { $0.words > 0 }
    hasWalks = p.trees.contains { $0.words == 0 || $0.is_complete == 0 }
    columns = UnsafePointer((base + offsets[8]).assumingMemoryBound(to: dl_forest_column.self))
    forest = base.assumingMemoryBound(to: dl_forest.self)
    forest.initialize(
      to: dl_forest(
        nodes: base + offsets[1], weights: base + offsets[2],
        trees: (base + offsets[3]).assumingMemoryBound(to: dl_tree.self),
        words: (base + offsets[4]).assumingMemoryBound(to: dl_tree_word.self),
        tests: (base + offsets[5]).assumingMemoryBound(to: dl_tree_test.self),
        tables: (base + offsets[6]).assumingMemoryBound(to: Float.self),
        codes: (base + offsets[7]).assumingMemoryBound(to: UInt32.self),
        tree_count: Int64(p.trees.count), columns: Int32(width), targets: Int32(p.targets),
        rows: Int32(p.rows), shift: Int32(p.shift),
        column_mask: UInt32((1 << max(0, p.shift - 2)) - 1)))
  }

  var label: String { "forest \(isCompact ? "compact" : "wide")\(hasHeads ? " heads" : "")" }

  /// Adds the weights of `count` rows of `features` elements at `from` to `sums`.
  func run(
    _ from: UnsafeRawPointer, _ dtype: Int32, _ features: Int, _ count: Int,
    _ x: UnsafeMutableRawPointer, _ xt: UnsafeMutableRawPointer,
    _ at: UnsafeMutablePointer<UInt32>, _ list: UnsafeMutablePointer<UInt32>,
    _ sums: UnsafeMutableRawPointer, isNarrow: Bool, _ isa: LaneSet
  ) {
    let n = Int32(count)
    let columnCount = Int32(width)
    members.withUnsafeBufferPointer { m in
      guard isCompact else {
        let rows = x.assumingMemoryBound(to: Double.self)
        dl_forest_columns_f64(
          columns, columnCount, m.baseAddress, from, dtype, features, n, rows, width, 1)
        if isNarrow {
          let sum = isa == .scalar ? dl_forest_sum_wide_f32__scalar : dl_forest_sum_wide_f32__avx2
          sum(forest, rows, n, sums.assumingMemoryBound(to: Float.self), at, list)
        } else {
          let sum = isa == .scalar ? dl_forest_sum_wide_f64__scalar : dl_forest_sum_wide_f64__avx2
          sum(forest, rows, n, sums.assumingMemoryBound(to: Double.self), at, list)
        }
        return
      }
      let rows = x.assumingMemoryBound(to: Float.self)
      let turned = xt.assumingMemoryBound(to: Float.self)
      if hasWalks || count < 4 {
        dl_forest_columns_f32(
          columns, columnCount, m.baseAddress, from, dtype, features, n, rows, width, 1)
      }
      if hasHeads && count >= 4 {
        dl_forest_columns_f32(
          columns, columnCount, m.baseAddress, from, dtype, features, n, turned, 1,
          Int(forest.pointee.rows))
      }
      let sums = sums.assumingMemoryBound(to: Float.self)
      #if arch(x86_64)
        if hasHeads {
          dl_forest_sum_f32__avx512(forest, rows, turned, n, sums, at, list)
          return
        }
      #endif
      let sum = isa == .scalar ? dl_forest_sum_f32__scalar : dl_forest_sum_f32__avx2
      sum(forest, rows, turned, n, sums, at, list)
    }
  }
}
