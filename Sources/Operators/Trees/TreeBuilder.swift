import Graphs
import Kernels
import Tensors

/// Makes a forest of lists that tell nodes by tree and node number.
struct TreeBuilder {
  let prefix: String
  let lists: [String: [Int]]
  let modes: [UInt8]
  let values: [Double]
  let weights: [Double]
  private static let leaf: UInt8 = 6

  private func list(_ name: String) -> [Int] { lists[name] ?? [] }

  private func lengths(
    _ names: [(String, Int)], _ expected: Int, like: String
  ) throws(EngineError) {
    for (name, n) in names where n != expected {
      throw EngineError(
        .attribute, "attribute '\(name)' has the wrong length", expected: "\(expected) as \(like)",
        received: "\(n)")
    }
  }

  func forest(
    targets: Int, aggregate: DecisionForest.Aggregate
  ) throws(EngineError) -> DecisionForest {
    let (tree, node) = (list("nodes_treeids"), list("nodes_nodeids"))
    let (yes, no) = (list("nodes_truenodeids"), list("nodes_falsenodeids"))
    let (feature, nan) = (list("nodes_featureids"), list("nodes_missing_value_tracks_true"))
    let n = tree.count
    try lengths(
      [
        ("nodes_nodeids", node.count), ("nodes_truenodeids", yes.count),
        ("nodes_falsenodeids", no.count), ("nodes_featureids", feature.count),
        ("nodes_modes", modes.count), ("nodes_values", values.count),
      ], n, like: "nodes_treeids")
    if !nan.isEmpty {
      try lengths([("nodes_missing_value_tracks_true", nan.count)], n, like: "nodes_treeids")
    }
    let place = try TreePlaces(trees: tree, nodes: node)

    // Inner nodes and leaves are numbered apart; `~leaf` stands for a leaf.
    var child = [Int](repeating: 0, count: n)
    var inner = 0
    var leaves = 0
    for i in 0..<n {
      if modes[i] == Self.leaf {
        leaves += 1
        child[i] = -leaves
      } else {
        child[i] = inner
        inner += 1
      }
    }
    var nodes: [DecisionForest.Node] = []
    nodes.reserveCapacity(inner)
    var isChild = [Bool](repeating: false, count: n)
    for i in 0..<n where modes[i] != Self.leaf {
      guard let mode = DecisionForest.Mode(rawValue: modes[i]) else { continue }
      guard let a = place[tree[i], yes[i]], let b = place[tree[i], no[i]] else {
        throw EngineError(
          .attribute, "node \(node[i]) of tree \(tree[i]) has a child that does not exist",
          received: "true node \(yes[i]), false node \(no[i])")
      }
      isChild[a] = true
      isChild[b] = true
      nodes.append(
        DecisionForest.Node(
          mode, feature: feature[i], value: values[i], nanIsYes: !nan.isEmpty && nan[i] == 1,
          yes: child[a], no: child[b]))
    }
    let (starts, ids, numbers) = try leafWeights(place, child, leaves)
    return try DecisionForest(
      nodes: nodes, roots: try roots(tree, isChild).map { child[$0] }, starts: starts,
      targets: ids, weights: numbers, targetCount: targets, aggregate: aggregate)
  }

  /// The root of each tree, trees in the order of their first nodes.
  private func roots(_ tree: [Int], _ isChild: [Bool]) throws(EngineError) -> [Int] {
    var order: [Int] = []
    var found: [Int: Int] = [:]
    var last: Int?
    for i in 0..<tree.count {
      if tree[i] != last {
        last = tree[i]
        if found[tree[i]] == nil {
          order.append(tree[i])
          found[tree[i]] = -1
        }
      }
      guard !isChild[i] else { continue }
      guard found[tree[i]] == -1 else {
        throw EngineError(
          .attribute, "tree \(tree[i]) has several nodes that are no node's child",
          expected: "one root")
      }
      found[tree[i]] = i
    }
    var roots: [Int] = []
    for t in order {
      guard let root = found[t], root >= 0 else {
        throw EngineError(
          .attribute, "tree \(t) has no root: every node is another's child", expected: "no cycle")
      }
      roots.append(root)
    }
    return roots
  }

  /// Weights by leaf, in the order of the lists. Weights of inner nodes have no effect.
  private func leafWeights(
    _ place: TreePlaces, _ child: [Int], _ leaves: Int
  ) throws(EngineError) -> (starts: [Int], targets: [Int], weights: [Double]) {
    let (tree, node) = (list(prefix + "_treeids"), list(prefix + "_nodeids"))
    let ids = list(prefix + "_ids")
    try lengths(
      [
        (prefix + "_treeids", tree.count), (prefix + "_nodeids", node.count),
        (prefix + "_weights", weights.count),
      ], ids.count, like: prefix + "_ids")
    var leaf = [Int](repeating: -1, count: ids.count)
    var starts = [Int](repeating: 0, count: leaves + 1)
    for i in 0..<ids.count {
      guard let p = place[tree[i], node[i]] else {
        throw EngineError(
          .attribute, "a weight's node does not exist",
          received: "node \(node[i]) of tree \(tree[i])")
      }
      guard child[p] < 0 else { continue }
      leaf[i] = ~child[p]
      starts[leaf[i] + 1] += 1
    }
    for l in 0..<leaves { starts[l + 1] += starts[l] }
    var next = starts
    var targets = [Int](repeating: 0, count: starts[leaves])
    var numbers = [Double](repeating: 0, count: starts[leaves])
    for i in 0..<ids.count where leaf[i] >= 0 {
      targets[next[leaf[i]]] = ids[i]
      numbers[next[leaf[i]]] = weights[i]
      next[leaf[i]] += 1
    }
    return (starts, targets, numbers)
  }
}

/// Finds a node's place in the lists by the numbers of its tree and itself.
struct TreePlaces {
  private struct Key: Hashable {
    let tree: Int
    let node: Int
  }
  /// Where each tree starts and how many nodes it has, where its nodes are counted from 0 in order.
  private var runs: [Int: Range<Int>] = [:]
  /// Any other lists.
  private var table: [Key: Int] = [:]

  init(trees: [Int], nodes: [Int]) throws(EngineError) {
    var isRegular = true
    var start = 0
    for i in 0..<trees.count {
      if i > 0 && trees[i] != trees[i - 1] {
        isRegular = isRegular && runs[trees[i - 1]] == nil
        runs[trees[i - 1]] = start..<i
        start = i
      }
      isRegular = isRegular && nodes[i] == i - start
    }
    if let last = trees.last {
      isRegular = isRegular && runs[last] == nil
      runs[last] = start..<trees.count
    }
    guard !isRegular else { return }
    runs = [:]
    for i in 0..<trees.count {
      guard table.updateValue(i, forKey: Key(tree: trees[i], node: nodes[i])) == nil else {
        throw EngineError(
          .attribute, "a node is there twice", expected: "each node once a tree",
          received: "node \(nodes[i]) of tree \(trees[i])")
      }
    }
  }

  subscript(tree: Int, node: Int) -> Int? {
    guard table.isEmpty else { return table[Key(tree: tree, node: node)] }
    guard let run = runs[tree], node >= 0, node < run.count else { return nil }
    return run.lowerBound + node
  }
}
