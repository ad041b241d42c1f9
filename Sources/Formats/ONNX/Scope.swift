import Graphs
import Tensors

/// The names of a graph while it is read, and the graph that grows with them.
///
/// A name that the graph does not have itself is looked up in the graph around it; the value found
/// becomes a capture, here and in every graph in between.
final class Scope {
  var graph = Graph()
  let parent: Scope?
  /// The values of the parent that `graph.captures` stand for, in the same order.
  private(set) var captured: [ValueID] = []
  private var names: [String: ValueID] = [:]

  init(parent: Scope?) { self.parent = parent }

  func find(_ name: String) -> ValueID? { names[name] }

  /// Adds a value under a name that the graph does not have yet.
  func declare(_ name: String, _ fact: Fact) -> ValueID {
    let id = graph.addValue(name, fact)
    names[name] = id
    return id
  }

  func resolve(_ name: String) -> ValueID? {
    if let id = names[name] { return id }
    guard let parent, let outer = parent.resolve(name) else { return nil }
    let id = declare(name, parent.graph.values[outer.index].fact)
    graph.captures.append(id)
    captured.append(outer)
    return id
  }
}
