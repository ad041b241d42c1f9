import Graphs
import Operators
import Tensors

/// What shares memory with what in a graph whose nodes change tensors in place.
///
/// ONNX has no memory to share. So a write gives the name a new value; what it is a view of gets
/// one with the part replaced, and other views of that are taken again, as far as anything still
/// uses them.
struct TorchAliases {
  /// For a view: the name it is taken from, and the node that takes it.
  private var sources: [String: (name: String, node: ExportNode)] = [:]
  private var views: [String: [String]] = [:]
  private var lastUse: [String: Int] = [:]

  init(_ graph: ExportedGraph) {
    for (i, node) in graph.nodes.enumerated() {
      for (_, value) in node.inputs { for name in value.names { lastUse[name] = i } }
    }
    for name in graph.outputs.flatMap(\.names) { lastUse[name] = graph.nodes.count }
  }

  mutating func noteView(_ node: ExportNode) {
    guard case .tensor(let source)? = node.inputs.first?.value else { return }
    for name in node.outputs.flatMap(\.names) where name != source {
      sources[name] = (source, node)
      views[source, default: []].append(name)
    }
  }

  /// Gives `name` the value that node `writer` wrote.
  ///
  /// Errors: `.unsupported` where a parameter or buffer would change, or a view's source cannot be
  /// made of it.
  mutating func write(
    _ value: TorchValue, to name: String, by writer: ExportNode, at place: Int, in graph: TorchGraph
  ) throws(EngineError) {
    try set(name, value, from: nil, at: place, graph, depth: 0)
    for result in writer.outputs.flatMap(\.names) where result != name {
      // The result is the operand itself.
      graph.define(result, value)
      var same = writer
      same.target = "aten.alias.default"
      same.inputs = [("self", .tensor(name))]
      same.outputs = [.tensor(result)]
      noteView(same)
    }
  }

  private func set(
    _ name: String, _ value: TorchValue, from changed: String?, at place: Int, _ graph: TorchGraph,
    depth: Int
  ) throws(EngineError) {
    guard depth < 64 else { throw EngineError(.unsupported, "views are nested too deep") }
    if graph.fixed.contains(name) {
      throw EngineError(
        .unsupported, "the graph changes the parameter or buffer '\(name)'",
        hint: "call eval() before the export")
    }
    if graph.given.contains(name) {
      graph.notes.append("the graph changes its input '\(name)', which the model does not")
    }
    graph.define(name, value)
    if let (source, node) = sources[name], source != changed, isUsed(source, after: place, 0) {
      let whole = try TorchWriteBack.source(of: node, name: name, changed: value, in: graph)
      try set(source, .tensor(whole), from: name, at: place, graph, depth: depth + 1)
    }
    for view in views[name] ?? [] where view != changed && isUsed(view, after: place, 0) {
      guard let node = sources[view]?.node, let op = TorchOperators.byName[node.target] else {
        continue
      }
      if TorchWriteBack.perhapsViews.contains(node.target) { throw TorchWriteBack.refused(node) }
      // A node with several results takes them all again; those that stand for others do no harm.
      let before = node.outputs.flatMap(\.names).map { ($0, graph.values[$0]) }
      _ = try graph.results(op, node)
      guard let taken = graph.values[view] else { continue }
      for (other, old) in before where other != view { if let old { graph.define(other, old) } }
      try set(view, taken, from: name, at: place, graph, depth: depth + 1)
    }
  }

  func isUsed(_ name: String) -> Bool { lastUse[name] != nil }

  /// Whether anything after node `place` uses `name` or a view of it.
  private func isUsed(_ name: String, after place: Int, _ depth: Int) -> Bool {
    if let last = lastUse[name], last > place { return true }
    guard depth < 64 else { return true }
    if let source = sources[name]?.name, let last = lastUse[source], last > place { return true }
    return (views[name] ?? []).contains { isUsed($0, after: place, depth + 1) }
  }
}
