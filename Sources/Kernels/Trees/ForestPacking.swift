import CKernels
import Tensors

/// A forest laid out for the kernels: one compact array of nodes, the two children of a node side
/// by side, larger subtrees nearer, and the upper part of each tree as tests on words of bits.
struct ForestPacking {
  /// A tree of at most this many leaves is told by bit words alone: 32 leaves cost as much as one
  /// and a half steps of a walk.
  static let mostHeadLeaves = 512
  /// Exits of the head of a larger tree, which is walked from there.
  static let headExits = 256
  /// Leaves with rows of at most this many weights may be told by bit words alone.
  static let mostTableTargets = 4

  /// A node before it is given its final form. Leaves have `column` -1 and the leaf in `left`.
  private struct Draft {
    var column: Int32
    var value: Double
    /// The place of the left child; the right one follows it.
    var left: Int
    var leaves = 0
    var levels = 0
  }

  let isCompact: Bool
  private(set) var compact: [dl_tree_node_f32] = []
  private(set) var wide: [dl_tree_node_wide] = []
  private(set) var trees: [dl_tree] = []
  private(set) var words: [dl_tree_word] = []
  private(set) var tests: [dl_tree_test] = []
  private(set) var tables: [Float] = []
  private(set) var codes: [UInt32] = []
  /// `[leaf, targets]`, for trees whose leaves have more than one weight.
  private(set) var weights: [Double] = []
  let columns: ForestColumns
  let targets: Int
  let shift: Int
  /// Rows of a block.
  let rows: Int

  /// Nil where only the plain kernel can run the forest: other aggregates than the sum, tests that
  /// have no packed form, branches that meet so often that a tree would grow without bound.
  init?(_ forest: DecisionForest, isNarrow: Bool, withHeads: Bool) {
    guard forest.aggregate == .sum else { return nil }
    var columns = ForestColumns(isNarrow: isNarrow)
    var drafts: [Draft] = []
    var starts: [Int] = []
    let limit = 4 * (forest.nodes.count + forest.starts.count) + 4096
    let dense = forest.targetCount
    var weightRows = 0
    for root in forest.roots {
      starts.append(drafts.count)
      guard Self.lay(root, forest, &columns, &drafts, limit: limit) else { return nil }
    }
    starts.append(drafts.count)
    guard columns.columns.count <= 4 * forest.featureCount + 512 else { return nil }
    self.columns = columns
    targets = dense

    // Where the numbers fit, a link of 32 bits holds column and child.
    var largest = 1
    for t in 0..<forest.roots.count { largest = max(largest, starts[t + 1] - starts[t]) }
    let columnBits = Self.bits(columns.columns.count)
    isCompact = isNarrow && columnBits + Self.bits(largest) + 2 <= 32
    shift = isCompact ? columnBits + 2 : 2
    guard Self.bits(largest) <= 30 else { return nil }

    let heads = isCompact && withHeads
    let width = max(1, columns.columns.count)
    var isShallow = heads
    for start in starts.dropLast() where start < drafts.count {
      isShallow = isShallow && drafts[start].leaves <= Self.mostHeadLeaves
    }
    rows = Self.blockRows(width: width, isShallow: isShallow)
    guard width * rows < 1 << 31 else { return nil }

    for t in 0..<forest.roots.count {
      let tree = starts[t]..<starts[t + 1]
      let target = Self.soleTarget(drafts[tree], forest)
      guard target != nil || weightRows + tree.count < 1 << 28 / dense else { return nil }
      var out = dl_tree()
      out.nodes = UInt64(isCompact ? compact.count : wide.count)
      out.weights = UInt64(weightRows)
      out.target = target.map { Int32($0) } ?? -1
      out.levels = UInt32(drafts[tree.lowerBound].levels)
      out.is_leaf = drafts[tree.lowerBound].column < 0 ? 1 : 0
      if heads { addHead(drafts, tree.lowerBound, target, forest, &out) }
      trees.append(out)
      weightRows += emit(drafts, tree, target, forest)
    }
  }

  private static func bits(_ count: Int) -> Int {
    max(1, Int.bitWidth - max(0, count - 1).leadingZeroBitCount)
  }

  /// As many rows as stay in the first cache, or the second where trees are too large for it.
  private static func blockRows(width: Int, isShallow: Bool) -> Int {
    let bytes = isShallow ? CacheSizes.level1 * 3 / 4 : CacheSizes.level2 / 3
    let most = isShallow ? 512 : 1024
    // An odd number of 64s: at a power of two all columns would share a few sets of the cache.
    return (min(max(bytes / (width * (isShallow ? 4 : 8)), 64), most) / 64 - 1 | 1) * 64
  }

  /// Lays one tree out after the drafts there are. False where it has no packed form.
  private static func lay(
    _ root: Int, _ forest: DecisionForest, _ columns: inout ForestColumns,
    _ drafts: inout [Draft], limit: Int
  ) -> Bool {
    let first = drafts.count
    drafts.append(Draft(column: -1, value: 0, left: 0))
    var open: [(source: Int, slot: Int)] = [(root, first)]
    while let (source, slot) = open.popLast() {
      guard source >= 0 else {
        drafts[slot] = Draft(column: -1, value: 0, left: ~source, leaves: 1)
        continue
      }
      guard let test = columns.test(forest.nodes[source], forest), drafts.count < limit else {
        return false
      }
      drafts[slot] = Draft(column: Int32(test.column), value: test.value, left: drafts.count)
      open.append((test.right, drafts.count + 1))
      open.append((test.left, drafts.count))
      drafts.append(Draft(column: -1, value: 0, left: 0))
      drafts.append(Draft(column: -1, value: 0, left: 0))
    }
    // Children stand behind their parents.
    for i in stride(from: drafts.count - 1, through: first, by: -1) where drafts[i].column >= 0 {
      let (a, b) = (drafts[drafts[i].left], drafts[drafts[i].left + 1])
      drafts[i].leaves = a.leaves + b.leaves
      drafts[i].levels = 1 + min(a.levels, b.levels)
    }
    return true
  }

  /// The one target that every leaf of a tree gives exactly one weight to.
  private static func soleTarget(_ drafts: ArraySlice<Draft>, _ forest: DecisionForest) -> Int? {
    var target: Int?
    for d in drafts where d.column < 0 {
      let start = forest.starts[d.left]
      guard forest.starts[d.left + 1] == start + 1 else { return nil }
      let t = forest.targets[start]
      guard target == nil || target == t else { return nil }
      target = t
    }
    return target
  }

  private func weightRow(_ leaf: Int, _ forest: DecisionForest) -> [Double] {
    var row = [Double](repeating: 0, count: targets)
    for i in forest.starts[leaf]..<forest.starts[leaf + 1] {
      row[forest.targets[i]] += forest.weights[i]
    }
    return row
  }

  /// Writes a tree's nodes in their final form; the rows of weights that its leaves took.
  private mutating func emit(
    _ drafts: [Draft], _ tree: Range<Int>, _ target: Int?, _ forest: DecisionForest
  ) -> Int {
    var rows = 0
    for i in tree {
      let d = drafts[i]
      var value = d.value
      var link: UInt32
      if d.column < 0 {
        link = UInt32(rows) << UInt32(shift)
        if target != nil {
          value = forest.weights[forest.starts[d.left]]
          link = 0
        } else {
          weights += weightRow(d.left, forest)
          rows += 1
        }
      } else {
        link = UInt32(d.left - tree.lowerBound) << UInt32(shift)
        if drafts[d.left].column < 0 { link |= 1 }
        if drafts[d.left + 1].column < 0 { link |= 2 }
      }
      if isCompact {
        if d.column >= 0 { link |= UInt32(d.column) << 2 }
        compact.append(dl_tree_node_f32(value: Float(value), link: link))
      } else {
        wide.append(
          dl_tree_node_wide(value: value, column: UInt32(max(0, d.column)), link: link))
      }
    }
    return rows
  }

  /// Makes the head of the tree at `root`: all of it, or down to the exits that fewest leaves lie
  /// below.
  private mutating func addHead(
    _ drafts: [Draft], _ root: Int, _ target: Int?, _ forest: DecisionForest, _ out: inout dl_tree
  ) {
    let isComplete =
      drafts[root].leaves <= Self.mostHeadLeaves
      && (target != nil || targets <= Self.mostTableTargets)
    // Expanded nodes, the largest subtrees first.
    var expanded: Set<Int> = []
    var ends = [root]
    while !isComplete && ends.count < Self.headExits {
      var best = 0
      for i in ends.indices where drafts[ends[i]].leaves > drafts[ends[best]].leaves { best = i }
      let node = ends[best]
      guard drafts[node].column >= 0 else { break }
      expanded.insert(node)
      ends[best] = drafts[node].left
      ends.append(drafts[node].left + 1)
    }
    // Exits from left to right, and for each test the exits of its left side.
    var order: [Int] = []
    var cuts: [(node: Int, exits: Range<Int>)] = []
    var open: [(node: Int, from: Int, isDone: Bool)] = [(root, 0, false)]
    while let (node, from, isDone) = open.popLast() {
      if isDone {
        cuts.append((node, from..<order.count))
      } else if drafts[node].column >= 0 && (isComplete || expanded.contains(node)) {
        // The left side, then its range of exits, then the right side.
        open.append((drafts[node].left + 1, 0, false))
        open.append((node, order.count, true))
        open.append((drafts[node].left, 0, false))
      } else {
        order.append(node)
      }
    }
    out.first_word = UInt32(words.count)
    out.words = UInt32((order.count + 31) / 32)
    out.is_complete = isComplete ? 1 : 0
    for w in 0..<Int(out.words) {
      let first = tests.count
      let span = 32 * w..<32 * w + 32
      for cut in cuts where cut.exits.overlaps(span) {
        var keep = UInt32.max
        for e in cut.exits.clamped(to: span) { keep &= ~(1 << UInt32(31 - (e - span.lowerBound))) }
        let d = drafts[cut.node]
        tests.append(
          dl_tree_test(
            offset: UInt32(Int(d.column) * rows), value: Float(d.value), keep: keep))
      }
      words.append(dl_tree_word(first: UInt32(first), count: UInt32(tests.count - first)))
    }
    guard isComplete else {
      out.table = UInt64(codes.count)
      for i in 0..<32 * Int(out.words) {
        let node = i < order.count ? order[i] : root
        codes.append(UInt32(node - root) << 1 | (drafts[node].column < 0 ? 1 : 0))
      }
      return
    }
    out.table = UInt64(tables.count)
    let width = 32 * Int(out.words)
    let base = tables.count
    let each = target == nil ? targets : 1
    tables += [Float](repeating: 0, count: width * each)
    for (i, node) in order.enumerated() {
      let leaf = drafts[node].left
      if target != nil {
        tables[base + i] = Float(forest.weights[forest.starts[leaf]])
      } else {
        for (k, w) in weightRow(leaf, forest).enumerated() {
          tables[base + k * width + i] = Float(w)
        }
      }
    }
  }
}
