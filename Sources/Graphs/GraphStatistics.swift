import Tensors

/// What a graph consists of and what one run of it costs, subgraphs included.
public struct GraphStatistics: Sendable {
  public struct OperatorCount: Sendable, Hashable {
    /// With its domain before it, unless that is ai.onnx.
    public let name: String
    public let count: Int
  }
  public struct NodeCost: Sendable {
    public let name: String
    public let operatorName: String
    /// Types of the outputs; nil for an output nobody takes.
    public let outputs: [ValueType?]
    /// Elements of the initializers that the node takes.
    public let parameterCount: Int
    /// Nil where sizes are not known.
    public let multiplyAdds: Dim?
    /// 0 for nodes of the outermost graph.
    public let depth: Int
  }

  /// Most frequent first, then by name.
  public private(set) var operators: [OperatorCount] = []
  /// Every node in order, those of a subgraph behind the node that holds it.
  public private(set) var nodes: [NodeCost] = []
  /// Elements of all initializers; of sparse ones those stored.
  public private(set) var parameterCount = 0
  /// Bytes of all initializers.
  public private(set) var parameterBytes = 0
  /// The sum over nodes where it is known: symbolic where sizes are. A subgraph counts as run
  /// once.
  public private(set) var multiplyAdds: Dim = 0
  /// Nodes that may multiply but whose sizes are not known.
  public private(set) var uncountedNodes = 0
  public private(set) var hasSubgraphs = false

  /// Counts `graph`. Sizes and operators are known once `inferFacts` has run.
  public init(_ graph: Graph) {
    var counts: [String: Int] = [:]
    count(graph, &counts, depth: 0)
    operators = counts.map { OperatorCount(name: $0.key, count: $0.value) }
      .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
  }

  private mutating func count(_ graph: Graph, _ counts: inout [String: Int], depth: Int) {
    var sizes: [ValueID: Int] = [:]
    for (id, t) in graph.initializers {
      sizes[id] = t.count
      parameterCount += t.count
      parameterBytes += t.byteCount
    }
    for (id, t) in graph.sparseInitializers {
      sizes[id] = t.values.count
      parameterCount += t.values.count
      parameterBytes += t.values.byteCount + t.indices.byteCount
    }
    func dims(_ id: ValueID?) -> [Dim]? { id.flatMap { graph.values[$0.index].fact.dims } }
    for (i, node) in graph.nodes.enumerated() {
      let domain = normalisedDomain(node.domain)
      let operatorName = domain.isEmpty ? node.type : "\(domain).\(node.type)"
      counts[operatorName, default: 0] += 1
      var cost: Dim? = nil
      if let op = node.op {
        cost = op.multiplyAdds(inputs: node.inputs.map(dims), outputs: node.outputs.map(dims))
      }
      if let cost { multiplyAdds = multiplyAdds + cost } else { uncountedNodes += 1 }
      nodes.append(
        NodeCost(
          name: graph.nodeName(i), operatorName: operatorName,
          outputs: node.outputs.map { $0.map { graph.values[$0.index].fact.type } },
          parameterCount: Set(node.inputs.compactMap { $0 }).reduce(0) { $0 + (sizes[$1] ?? 0) },
          multiplyAdds: cost, depth: depth))
      guard depth < Graph.maxDepth else { continue }
      for g in node.subgraphs {
        hasSubgraphs = true
        count(g, &counts, depth: depth + 1)
      }
    }
  }
}
