import Graphs
import Operators
import Tensors

/// The body of a Loop, seen together with what it captures.
struct LoopBody {
  let g: GraphEditor
  let node: Graph.Node
  let graph: Graph

  /// Nil for other nodes.
  init?(_ g: GraphEditor, _ i: Int) {
    let node = g.node(i)
    guard node.op is Loop, let graph = node.subgraphs.first,
      graph.captures.count == node.captured.count
    else { return nil }
    (self.g, self.node, self.graph) = (g, node, graph)
  }

  func maker(_ v: ValueID?) -> Graph.Node? {
    v.flatMap { v in graph.nodes.first { $0.outputs.contains(v) } }
  }

  /// The value that a node of the body takes; nil where there is none.
  func input(_ node: Graph.Node, _ k: Int) -> ValueID? {
    k < node.inputs.count ? node.inputs[k] : nil
  }

  /// What a captured value is outside.
  func outer(_ v: ValueID?) -> ValueID? {
    guard let v, let place = graph.captures.firstIndex(of: v) else { return nil }
    return node.captured[place]
  }

  func constant(_ v: ValueID) -> Tensor? {
    if let t = graph.values[v.index].fact.constant { return t }
    if let t = graph.initializers.first(where: { $0.id == v })?.tensor { return t }
    if let made = maker(v)?.op as? Constant { return made.value.tensor }
    return outer(v).flatMap { g.constant($0) }
  }
}
