import Graphs
import Tensors

extension Optimizer {
  /// Rewrites the bodies that nodes hold, and theirs. Facts must be inferred.
  func rewriteBodies(
    _ graph: inout Graph, using lookup: OperatorLookup, depth: Int, _ observer: Observer?
  ) throws(EngineError) {
    guard depth < Graph.maxDepth else { return }
    for i in graph.nodes.indices where graph.nodes[i].op != nil {
      let count = graph.nodes[i].subgraphs.count
      for k in 0..<count {
        let start = graph
        func report(_ body: Graph, _ step: Step, _ observer: Observer) throws(EngineError) {
          var whole = start
          try whole.replaceBody(k, ofNode: i, by: body, using: lookup)
          try observer(Step(pass: step.pass, changes: step.changes, graph: whole))
        }
        var inner: Observer?
        if let observer {
          inner = { (step) throws(EngineError) in try report(step.graph, step, observer) }
        }
        var body = try rewrite(graph.nodes[i].subgraphs[k], using: lookup, inner)
        try rewriteBodies(&body, using: lookup, depth: depth + 1, inner)
        try graph.replaceBody(k, ofNode: i, by: body, using: lookup)
      }
      if count > 0, graph.dropUnusedCaptures(ofNode: i) { try graph.rebind(i, using: lookup) }
    }
    // What only a capture used may be gone.
    graph = GraphEditor(graph, using: lookup).finish()
  }
}

extension Graph {
  /// Gives node `i` another body in place of its `k`-th, and the operator made of it.
  ///
  /// Errors: those of the operator's attributes.
  mutating func replaceBody(
    _ k: Int, ofNode i: Int, by body: Graph, using lookup: OperatorLookup
  ) throws(EngineError) {
    var place = 0
    nodes[i].updateSubgraphs { (g: inout Graph) in
      if place == k { g = body }
      place += 1
    }
    try rebind(i, using: lookup)
  }

  fileprivate mutating func rebind(
    _ i: Int, using lookup: OperatorLookup
  ) throws(EngineError) {
    var plain = nodes[i]
    plain.op = nil
    nodes[i].op = try lookup.bind(plain)
  }

  /// Drops what bodies of node `i` capture but no longer use; whether there was any. The operator
  /// holds bodies with all their captures until it is made again.
  fileprivate mutating func dropUnusedCaptures(ofNode i: Int) -> Bool {
    var kept: [ValueID] = []
    var rest = nodes[i].captured[...]
    var isChanged = false
    nodes[i].updateSubgraphs { (g: inout Graph) in
      var used = Set(g.outputs)
      for node in g.nodes { used.formUnion(node.inputs.compactMap { $0 } + node.captured) }
      let own = Array(rest.prefix(g.captures.count))
      rest = rest.dropFirst(g.captures.count)
      let wanted = g.captures.indices.filter { used.contains(g.captures[$0]) && $0 < own.count }
      if wanted.count == g.captures.count {
        kept += own
        return
      }
      isChanged = true
      kept += wanted.map { own[$0] }
      g.captures = wanted.map { g.captures[$0] }
      g.dropUnusedValues()
    }
    if isChanged { nodes[i].captured = kept }
    return isChanged
  }
}
