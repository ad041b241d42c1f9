import Graphs

/// Names for all values of a model, made once so that each graph wires up as it does by number.
///
/// Inputs and outputs of a graph keep their names first, then every value keeps its own where it is
/// free; unnamed values and those whose name is taken get `v1`, `v2`, … in order. A captured value
/// has the name it has in the graph around it.
struct NameTable {
  private var used: Set<String>
  private var next = 0

  init(_ graph: Graph) {
    used = []
    collect(graph)
  }

  private mutating func collect(_ graph: Graph) {
    for value in graph.values where !value.name.isEmpty { used.insert(value.name) }
    for node in graph.nodes { for subgraph in node.subgraphs { collect(subgraph) } }
  }

  private mutating func fresh() -> String {
    while true {
      next += 1
      let name = "v\(next)"
      if used.insert(name).inserted { return name }
    }
  }

  /// A name for each value of `graph`, given those of its captures.
  mutating func names(of graph: Graph, captured: [String]) -> [String] {
    var names = [String](repeating: "", count: graph.values.count)
    var taken: Set<String> = []
    for (id, name) in zip(graph.captures, captured) {
      names[id.index] = name
      taken.insert(name)
    }
    let order =
      graph.inputs.map(\.index) + graph.outputs.map(\.index) + Array(graph.values.indices)
    for i in order where names[i].isEmpty {
      let own = graph.values[i].name
      let name = !own.isEmpty && !taken.contains(own) ? own : fresh()
      names[i] = name
      taken.insert(name)
    }
    return names
  }
}
