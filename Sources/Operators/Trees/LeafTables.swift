import Graphs
import Kernels
import Tensors

/// The trees of TreeEnsemble: lists of inner nodes and of leaves, decoded and checked once.
///
/// Errors: `.attribute` when lists differ in length, a mode has no meaning, a child, root or target
/// is out of range, a set is missing, or a tree comes back to a node.
final class LeafTables: Hashable, Sendable {
  private static let intNames = [
    "nodes_falseleafs", "nodes_falsenodeids", "nodes_featureids",
    "nodes_missing_value_tracks_true", "nodes_trueleafs", "nodes_truenodeids", "leaf_targetids",
    "tree_roots",
  ]
  private static let tensorNames = [
    "leaf_weights", "membership_values", "nodes_modes", "nodes_splits",
  ]

  let store: ForestStore
  private let lists: [String: [Int]]
  private let tensors: [String: TensorAttribute]
  private let targets: Int

  init(_ a: AttributeReader, aggregate: DecisionForest.Aggregate) throws(EngineError) {
    var lists: [String: [Int]] = [:]
    var tensors: [String: TensorAttribute] = [:]
    for name in Self.intNames { lists[name] = try a.ints(name, default: []) }
    for name in Self.tensorNames {
      if let t = try a.tensor(name) { tensors[name] = TensorAttribute(t) }
    }
    for name in ["leaf_weights", "nodes_modes", "nodes_splits"] where tensors[name] == nil {
      throw EngineError(.attribute, "required attribute '\(name)' is missing")
    }
    targets = try a.int("n_targets", default: 1)
    self.lists = lists
    self.tensors = tensors
    store = ForestStore(
      try Self.forest(lists, tensors, targets: targets, aggregate: aggregate))
  }

  private static func forest(
    _ lists: [String: [Int]], _ tensors: [String: TensorAttribute], targets: Int,
    aggregate: DecisionForest.Aggregate
  ) throws(EngineError) -> DecisionForest {
    func ints(_ name: String) -> [Int] { lists[name] ?? [] }
    func reals(_ name: String) throws(EngineError) -> [Double] {
      guard let t = tensors[name]?.tensor else { return [] }
      return try realNumbers(t, name)
    }
    func length(_ name: String, _ n: Int, _ expected: Int, like: String) throws(EngineError) {
      guard n == expected else {
        throw EngineError(
          .attribute, "attribute '\(name)' has the wrong length",
          expected: "\(expected) as \(like)", received: "\(n)")
      }
    }
    let features = ints("nodes_featureids")
    let n = features.count
    let (yes, no) = (ints("nodes_truenodeids"), ints("nodes_falsenodeids"))
    let (yesLeaf, noLeaf) = (ints("nodes_trueleafs"), ints("nodes_falseleafs"))
    let nan = ints("nodes_missing_value_tracks_true")
    let splits = try reals("nodes_splits")
    let modes = try modes(tensors)
    for (name, count) in [
      ("nodes_truenodeids", yes.count), ("nodes_falsenodeids", no.count),
      ("nodes_trueleafs", yesLeaf.count), ("nodes_falseleafs", noLeaf.count),
      ("nodes_modes", modes.count), ("nodes_splits", splits.count),
    ] { try length(name, count, n, like: "nodes_featureids") }
    if !nan.isEmpty {
      try length("nodes_missing_value_tracks_true", nan.count, n, like: "nodes_featureids")
    }
    let weights = try reals("leaf_weights")
    let ids = ints("leaf_targetids")
    try length("leaf_targetids", ids.count, weights.count, like: "leaf_weights")

    let (members, sets) = try sets(
      try reals("membership_values"), count: modes.filter { $0 == .member }.count)
    func child(_ place: Int, _ isLeaf: Int, _ i: Int) throws(EngineError) -> Int {
      guard place >= 0, place < (isLeaf != 0 ? weights.count : n) else {
        throw EngineError(
          .attribute, "node \(i) has a child that does not exist",
          expected: "one of \(n) nodes and \(weights.count) leaves",
          received: "\(isLeaf != 0 ? "leaf" : "node") \(place)")
      }
      return isLeaf != 0 ? ~place : place
    }
    var nodes: [DecisionForest.Node] = []
    nodes.reserveCapacity(n)
    var set = 0
    for i in 0..<n {
      var own = 0..<0
      if modes[i] == .member {
        own = sets[set]
        set += 1
      }
      nodes.append(
        DecisionForest.Node(
          modes[i], feature: features[i], value: splits[i], nanIsYes: !nan.isEmpty && nan[i] == 1,
          yes: try child(yes[i], yesLeaf[i], i), no: try child(no[i], noLeaf[i], i), members: own))
    }
    let roots = ints("tree_roots")
    for root in roots where root < 0 || root >= n {
      throw EngineError(
        .attribute, "a tree's root does not exist", expected: "0 to \(n - 1)", received: "\(root)")
    }
    return try DecisionForest(
      nodes: nodes, members: members, roots: roots, starts: Array(0...weights.count),
      targets: ids, weights: weights, targetCount: targets, aggregate: aggregate)
  }

  private static func modes(
    _ tensors: [String: TensorAttribute]
  ) throws(EngineError) -> [DecisionForest.Mode] {
    guard let t = tensors["nodes_modes"]?.tensor, t.dtype == .uint8 else {
      throw EngineError(
        .attribute, "attribute 'nodes_modes' has the wrong element type", expected: "uint8")
    }
    var modes: [DecisionForest.Mode] = []
    for code in t.elements(UInt8.self) {
      guard let mode = DecisionForest.Mode(rawValue: code) else {
        throw EngineError(
          .attribute, "attribute 'nodes_modes' has no legal value", expected: "0 to 6",
          received: "\(code)")
      }
      modes.append(mode)
    }
    return modes
  }

  /// The sets that NaNs part, each rising.
  private static func sets(
    _ values: [Double], count: Int
  ) throws(EngineError) -> (members: [Double], sets: [Range<Int>]) {
    var members: [Double] = []
    var sets: [Range<Int>] = []
    var open: [Double] = []
    func close() {
      let start = members.count
      members += open.sorted()
      sets.append(start..<members.count)
      open = []
    }
    for v in values {
      if v.isNaN { close() } else { open.append(v) }
    }
    if !open.isEmpty { close() }
    guard sets.count >= count else {
      throw EngineError(
        .attribute, "attribute 'membership_values' lacks sets",
        expected: "\(count), one for each node of mode 6", received: "\(sets.count)")
    }
    return (members, sets)
  }

  var attributes: [Attribute] {
    var result: [Attribute] = [.int("n_targets", targets)]
    for name in Self.intNames {
      guard let list = lists[name] else { continue }
      if !list.isEmpty || name != "nodes_missing_value_tracks_true" {
        result.append(.ints(name, list))
      }
    }
    for name in Self.tensorNames {
      if let t = tensors[name] { result.append(.tensor(name, t.tensor)) }
    }
    return result
  }

  static func == (a: LeafTables, b: LeafTables) -> Bool {
    a === b || (a.targets == b.targets && a.lists == b.lists && a.tensors == b.tensors)
  }
  func hash(into hasher: inout Hasher) {
    hasher.combine(targets)
    hasher.combine(tensors["leaf_weights"])
    hasher.combine(tensors["nodes_splits"])
  }

  /// One tree over two features: `x0 <= 3`, then `x1 < 3` or whether x0 is 4 or 6.
  static func example() throws -> [Attribute] {
    [
      .int("n_targets", 2), .ints("tree_roots", [0]), .ints("nodes_featureids", [0, 1, 0]),
      .ints("nodes_truenodeids", [1, 0, 2]), .ints("nodes_falsenodeids", [2, 1, 3]),
      .ints("nodes_trueleafs", [0, 1, 1]), .ints("nodes_falseleafs", [0, 1, 1]),
      .tensor("nodes_modes", try Tensor([0, 1, 6] as [UInt8])),
      .tensor("nodes_splits", try Tensor([3, 3, 0] as [Float])),
      .tensor("membership_values", try Tensor([4, 6, .nan] as [Float])),
      .ints("leaf_targetids", [0, 1, 0, 1]),
      .tensor("leaf_weights", try Tensor([0.5, 1.5, 2.5, 3.5] as [Float])),
    ]
  }
}
