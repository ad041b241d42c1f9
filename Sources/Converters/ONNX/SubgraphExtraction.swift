import Graphs
import Operators
import Tensors

/// Cuts the part of a graph out that makes some values of others.
struct SubgraphExtraction {
  let inputs: [String]
  let outputs: [String]

  /// Errors: `.usage` for a value that does not exist, with near names, and for inputs that the
  /// outputs need and that are not among those named.
  func apply(to model: inout ModelGraph, _ operators: OperatorSet) throws(EngineError) {
    var graph = model.graph
    try graph.inferFacts(using: operators.lookup(opsets: model.opsets), options: .lenient)
    let wanted = outputs.isEmpty ? graph.outputs : try find(outputs, in: graph)
    let cut = try find(inputs, in: graph)
    let cutSet = Set(cut)
    let (needed, reached) = try walk(graph, from: wanted, to: cutSet)

    let order = graph.nodes.indices.filter { needed.contains($0) }
    graph.nodes = order.map { graph.nodes[$0] }
    // A node that also makes one of the inputs hands that to nobody.
    for i in graph.nodes.indices {
      for (j, id) in graph.nodes[i].outputs.enumerated() {
        guard let id, cutSet.contains(id) else { continue }
        graph.nodes[i].outputs[j] = graph.addValue("", graph.values[id.index].fact)
      }
    }
    if inputs.isEmpty {
      graph.inputs = graph.inputs.filter { reached.contains($0) }
    } else {
      let wereInputs = Set(graph.inputs)
      graph.initializers.removeAll { cutSet.contains($0.id) && !wereInputs.contains($0.id) }
      let defaults = graph.inputs.filter { id in
        reached.contains(id) && !cutSet.contains(id)
      }
      graph.inputs = cut + defaults
    }
    graph.outputs = wanted
    for id in graph.inputs + graph.outputs { graph.values[id.index].isDeclared = true }
    graph.dropUnusedValues()
    model.graph = graph
  }

  private func find(_ names: [String], in graph: Graph) throws(EngineError) -> [ValueID] {
    var places: [String: Int] = [:]
    for (i, value) in graph.values.enumerated() where !value.name.isEmpty {
      places[value.name] = i
    }
    var found: [ValueID] = []
    for name in names {
      guard let i = places[name] else {
        throw EngineError(
          .usage, "the graph has no value '\(name)'",
          expected: NearNames(graph.values.map(\.name)).text(near: name))
      }
      guard !found.contains(ValueID(i)) else {
        throw EngineError(.usage, "value '\(name)' is named twice")
      }
      found.append(ValueID(i))
    }
    return found
  }

  /// The nodes that make `wanted` of `cut`, and all values on the way.
  ///
  /// Errors: `.usage` naming the graph's inputs that are needed and not among `cut`, where that has
  /// any.
  private func walk(
    _ graph: Graph, from wanted: [ValueID], to cut: Set<ValueID>
  ) throws(EngineError) -> (nodes: Set<Int>, values: Set<ValueID>) {
    var makers: [ValueID: Int] = [:]
    for (i, node) in graph.nodes.enumerated() {
      for case let id? in node.outputs { makers[id] = i }
    }
    let constants = Set(graph.initializers.map(\.id) + graph.sparseInitializers.map(\.id))
    let ports = Set(graph.inputs)
    var nodes: Set<Int> = []
    var values: Set<ValueID> = []
    var missing: [ValueID] = []
    var open = wanted
    while let id = open.popLast() {
      guard values.insert(id).inserted, !cut.contains(id) else { continue }
      if let maker = makers[id] {
        guard nodes.insert(maker).inserted else { continue }
        open += graph.nodes[maker].inputs.compactMap { $0 } + graph.nodes[maker].captured
      } else if !inputs.isEmpty, ports.contains(id), !constants.contains(id) {
        missing.append(id)
      }
    }
    guard missing.isEmpty else {
      let names = missing.map { "'\(graph.name($0))'" }.sorted().joined(separator: ", ")
      throw EngineError(
        .usage, "the outputs need more inputs than are named", expected: "\(names) as well",
        received: inputs.joined(separator: ", "))
    }
    return (nodes, values)
  }
}
