import Graphs
import Tensors

/// Gives values of a graph other names, all at once: names may change places.
struct Renaming {
  private let names: [String: String]
  private let order: [String]
  private let twice: String?

  init(_ renames: [(old: String, new: String)]) {
    var names: [String: String] = [:]
    var twice: String?
    for (old, new) in renames where names.updateValue(new, forKey: old) != nil { twice = old }
    self.names = names
    self.twice = twice
    order = renames.map(\.old)
  }

  /// Errors: `.usage` for a value that does not exist, with near names, for one renamed twice and
  /// for a new name that is taken.
  func apply(to model: inout ModelGraph) throws(EngineError) {
    if names.isEmpty { return }
    if let twice {
      throw EngineError(.usage, "value '\(twice)' is given two new names")
    }
    var found: Set<String> = []
    var after: Set<String> = []
    try rename(&model.graph, &found, &after, depth: 0)
    if let missing = order.first(where: { !found.contains($0) }) {
      throw EngineError(
        .usage, "there is no value '\(missing)' to rename",
        expected: NearNames(model.graph.values.map(\.name)).text(near: missing))
    }
  }

  private func rename(
    _ graph: inout Graph, _ found: inout Set<String>, _ taken: inout Set<String>, depth: Int
  ) throws(EngineError) {
    let captured = Set(graph.captures)
    for i in graph.values.indices where !graph.values[i].name.isEmpty {
      if let new = names[graph.values[i].name] {
        found.insert(graph.values[i].name)
        graph.values[i].name = new
      }
      // A body's own value may not hide one of the graph around it.
      if !captured.contains(ValueID(i)), !taken.insert(graph.values[i].name).inserted,
        names.values.contains(graph.values[i].name)
      {
        throw EngineError(
          .usage, "two values would have the name '\(graph.values[i].name)'",
          hint: "rename the other one as well")
      }
    }
    guard depth < Graph.maxDepth else { return }
    for i in graph.nodes.indices where !graph.nodes[i].subgraphs.isEmpty {
      graph.nodes[i].op = nil
      try graph.nodes[i].updateSubgraphs { (body: inout Graph) throws(EngineError) in
        try rename(&body, &found, &taken, depth: depth + 1)
      }
    }
  }
}
