import Graphs
import Kernels
import Tensors

/// The trees of TreeEnsembleClassifier and TreeEnsembleRegressor: lists that tell nodes by tree and
/// node number, decoded and checked once.
///
/// Errors: `.attribute` when lists differ in length, a mode has no meaning, a node is there twice,
/// a child or a weight's node is missing, a tree comes back to a node or has several roots.
final class TreeTables: Hashable, Sendable {
  static let modes = [
    "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF",
  ]
  private static let leaf: UInt8 = 6

  let store: ForestStore
  /// `class` or `target`.
  private let prefix: String
  private let lists: [String: [Int]]
  private let modes: [UInt8]
  private let values: TreeNumbers
  private let weights: TreeNumbers
  let base: TreeNumbers
  let baseValues: [Double]
  private let digest: Int

  init(
    _ a: AttributeReader, prefix: String, targets: Int, aggregate: DecisionForest.Aggregate
  ) throws(EngineError) {
    self.prefix = prefix
    var lists: [String: [Int]] = [:]
    for name in Self.names(prefix) { lists[name] = try a.ints(name, default: []) }
    var modes: [UInt8] = []
    for mode in try a.strings("nodes_modes", default: []) {
      guard let i = Self.modes.firstIndex(of: mode) else {
        throw EngineError(
          .attribute, "attribute 'nodes_modes' has no legal value",
          expected: "one of \(Self.modes.joined(separator: ", "))", received: "'\(mode)'")
      }
      modes.append(UInt8(i))
    }
    self.lists = lists
    self.modes = modes
    values = try TreeNumbers(a, "nodes_values")
    weights = try TreeNumbers(a, prefix + "_weights")
    base = try TreeNumbers(a, "base_values")
    baseValues = try base.values("base_values")
    let builder = TreeBuilder(
      prefix: prefix, lists: lists, modes: modes, values: try values.values("nodes_values"),
      weights: try weights.values(prefix + "_weights"))
    store = ForestStore(try builder.forest(targets: targets, aggregate: aggregate))
    var hasher = Hasher()
    hasher.combine(modes)
    hasher.combine(values)
    hasher.combine(weights)
    hasher.combine(baseValues)
    digest = hasher.finalize()
  }

  private static func names(_ prefix: String) -> [String] {
    [
      "nodes_falsenodeids", "nodes_featureids", "nodes_missing_value_tracks_true",
      "nodes_nodeids", "nodes_treeids", "nodes_truenodeids", prefix + "_ids",
      prefix + "_nodeids", prefix + "_treeids",
    ]
  }

  var attributes: [Attribute] {
    var result: [Attribute] = []
    for name in Self.names(prefix) {
      if let list = lists[name], !list.isEmpty { result.append(.ints(name, list)) }
    }
    result.append(.strings("nodes_modes", modes.map { Self.modes[Int($0)] }))
    result += values.attribute("nodes_values")
    result += weights.attribute(prefix + "_weights")
    result += base.attribute("base_values")
    return result
  }

  static func == (a: TreeTables, b: TreeTables) -> Bool {
    a === b
      || (a.digest == b.digest && a.lists == b.lists && a.modes == b.modes && a.values == b.values
        && a.weights == b.weights && a.base == b.base)
  }
  func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
