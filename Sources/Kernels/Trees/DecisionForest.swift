import Tensors

/// Decision trees as files describe them, checked: the neutral form that kernels are packed from.
///
/// A child is a node's place from 0, or `~leaf`. Branches may meet again (a node may have several
/// parents), but never come back to a node on the way to it.
public struct DecisionForest: Sendable {
  /// What an inner node asks of its feature. A NaN gives no, except for `notEqual`.
  public enum Mode: UInt8, Sendable {
    case lessOrEqual = 0
    case less, greaterOrEqual, greater, equal, notEqual, member
  }

  public struct Node: Sendable {
    public var mode: Mode
    public var feature: Int
    public var value: Double
    /// A NaN goes to `yes`, whatever the mode says.
    public var nanIsYes: Bool
    public var yes: Int
    public var no: Int
    /// Places in `members`, for `.member`.
    public var members: Range<Int>

    public init(
      _ mode: Mode, feature: Int, value: Double, nanIsYes: Bool, yes: Int, no: Int,
      members: Range<Int> = 0..<0
    ) {
      self.mode = mode
      self.feature = feature
      self.value = value
      self.nanIsYes = nanIsYes
      self.yes = yes
      self.no = no
      self.members = members
    }
  }

  public enum Aggregate: Int32, Sendable { case sum, least, largest }

  public let nodes: [Node]
  /// Sets of numbers, each rising.
  public let members: [Double]
  /// A node or leaf for each tree.
  public let roots: [Int]
  /// Leaf `l` gives `weights[starts[l]..<starts[l + 1]]` to `targets` at the same places.
  public let starts: [Int]
  public let targets: [Int]
  public let weights: [Double]
  public let targetCount: Int
  public let aggregate: Aggregate
  /// One more than the largest feature.
  public let featureCount: Int

  /// - Errors: `.attribute` when a place is out of range, a tree comes back to a node, or there
  ///   are more nodes, leaves or weights than 31 bits count.
  public init(
    nodes: [Node], members: [Double] = [], roots: [Int], starts: [Int], targets: [Int],
    weights: [Double], targetCount: Int, aggregate: Aggregate = .sum
  ) throws(EngineError) {
    self.nodes = nodes
    self.members = members
    self.roots = roots
    self.starts = starts
    self.targets = targets
    self.weights = weights
    self.targetCount = targetCount
    self.aggregate = aggregate
    let limit = Int(Int32.max)
    guard nodes.count < limit, weights.count < limit, roots.count < limit, starts.count < limit
    else {
      throw EngineError(.attribute, "the forest is too large", expected: "under \(limit) nodes")
    }
    guard targetCount >= 1, targetCount < 1 << 24 else {
      throw EngineError(
        .attribute, "the number of targets is out of range", expected: "1 to \(1 << 24)",
        received: "\(targetCount)")
    }
    guard weights.count == targets.count, starts.first == 0, starts.last == weights.count else {
      throw EngineError(
        .attribute, "weights and their targets differ in number", expected: "\(targets.count)",
        received: "\(weights.count)")
    }
    for t in targets where t < 0 || t >= targetCount {
      throw EngineError(
        .attribute, "a weight's target is out of range", expected: "0 to \(targetCount - 1)",
        received: "\(t)")
    }
    var most = -1
    let leaves = starts.count - 1
    func check(_ child: Int) throws(EngineError) {
      guard child < nodes.count, child >= -leaves else {
        throw EngineError(
          .attribute, "a tree has a child that does not exist",
          expected: "one of \(nodes.count) nodes and \(leaves) leaves",
          received: child < 0 ? "leaf \(~child)" : "node \(child)")
      }
    }
    for root in roots { try check(root) }
    for n in nodes {
      try check(n.yes)
      try check(n.no)
      guard n.feature >= 0, n.feature < limit else {
        throw EngineError(
          .attribute, "a node's feature is out of range", expected: "0 to \(limit - 1)",
          received: "\(n.feature)")
      }
      guard n.members.lowerBound >= 0, n.members.upperBound <= members.count else {
        throw EngineError(.attribute, "a node's members are out of range")
      }
      most = max(most, n.feature)
    }
    featureCount = most + 1
    try Self.checkCycles(nodes)
  }

  /// Walks from every node once, without recursion, which a chain of nodes could exhaust.
  private static func checkCycles(_ nodes: [Node]) throws(EngineError) {
    // 0: not seen, 1: on the way, 2: done.
    var state = [UInt8](repeating: 0, count: nodes.count)
    var way: [Int] = []
    for start in nodes.indices where state[start] == 0 {
      way.append(start)
      while let n = way.last {
        if state[n] != 0 {
          state[n] = 2
          way.removeLast()
          continue
        }
        state[n] = 1
        for child in [nodes[n].yes, nodes[n].no] where child >= 0 {
          guard state[child] != 1 else {
            throw EngineError(
              .attribute, "a tree comes back to a node on the way to it", expected: "no cycle",
              received: "node \(child) below node \(n)")
          }
          if state[child] == 0 { way.append(child) }
        }
      }
    }
  }
}
