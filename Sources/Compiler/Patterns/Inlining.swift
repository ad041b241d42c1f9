import Graphs
import Operators
import Tensors

extension GraphEditor {
  /// Puts the nodes of a subgraph where node `place` stands.
  ///
  /// - Returns: what its outputs are in this graph; nil where that cannot be done. Nodes put in
  ///   until then have no users.
  func inline(
    _ body: Graph, inputs: [ValueID], captured: [ValueID], at place: Int, suffix: String = ""
  ) throws(EngineError) -> [ValueID]? {
    guard body.sparseInitializers.isEmpty, body.captures.count == captured.count,
      body.inputs.count == inputs.count, body.nodes.allSatisfy({ $0.op != nil })
    else { return nil }
    var known: [ValueID: ValueID] = [:]
    for (id, tensor) in body.initializers { known[id] = addConstant(tensor) }
    for (id, outer) in zip(body.captures, captured) { known[id] = outer }
    for (id, outer) in zip(body.inputs, inputs) { known[id] = outer }
    for node in body.nodes {
      guard let op = node.op else { return nil }
      var values: [ValueID?] = []
      for id in node.inputs {
        guard let id else {
          values.append(nil)
          continue
        }
        guard let outer = known[id] else { return nil }
        values.append(outer)
      }
      let outer = node.captured.compactMap { known[$0] }
      guard outer.count == node.captured.count else { return nil }
      if node.subgraphs.isEmpty {
        guard
          let results = try? add(
            op, values, outputs: node.outputs.count, at: place, name: node.name + suffix)
        else { return nil }
        for (id, result) in zip(node.outputs, results) { if let id { known[id] = result } }
      } else {
        var copy = node
        copy.name += suffix
        copy.inputs = values
        copy.captured = outer
        copy.outputs = node.outputs.map { id in
          id.map { addValue("", body.values[$0.index].fact) }
        }
        for (id, result) in zip(node.outputs, copy.outputs) { if let id { known[id] = result } }
        append(copy, at: place)
      }
    }
    let results = body.outputs.compactMap { known[$0] }
    return results.count == body.outputs.count ? results : nil
  }

  /// Replaces a node's results and removes it. A result that the graph gives back keeps a node of
  /// its own where the new value has another name already.
  func settle(_ i: Int, _ results: [ValueID]) {
    var copies: [(old: ValueID, new: ValueID)] = []
    for (old, new) in zip(node(i).outputs, results) {
      guard let old else { continue }
      if !replace(old, with: new) { copies.append((old, new)) }
    }
    remove(i)
    for (old, new) in copies {
      var copy = Graph.Node(type: "Identity", inputs: [new], outputs: [old])
      copy.op = Identity()
      append(copy, at: i)
    }
  }
}
