import Formats
import Graphs
import Tensors

/// A graph of standard operators that is put together node by node.
struct GraphAssembly {
  var graph = Graph()
  private var count = 0

  init() {}

  mutating func input(_ name: String, _ dtype: DType, _ dims: [Dim]) -> ValueID {
    graph.addInput(name, Fact(dtype, dims))
  }

  mutating func constant(_ name: String, _ tensor: Tensor) -> ValueID {
    count += 1
    return graph.addInitializer("\(name).\(count)", tensor)
  }

  /// A node with one result.
  mutating func add(
    _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = [], domain: String = "",
    name: String, dtype: DType, dims: [Dim]? = nil
  ) -> ValueID {
    count += 1
    let result = graph.addValue("\(name).\(count)", Fact(dtype, dims))
    graph.nodes.append(
      Graph.Node(
        name: "\(name).\(count)", type: type, domain: domain, attributes: attributes,
        inputs: inputs, outputs: [result]))
    return result
  }

  /// Declares a value an output under a name of its own.
  mutating func output(_ value: ValueID, _ name: String, _ dtype: DType, _ dims: [Dim]) {
    graph.values[value.index].name = name
    graph.values[value.index].fact = Fact(dtype, dims)
    graph.outputs.append(value)
  }

  /// Puts another graph behind: its inputs become the values given, and its outputs are returned.
  /// Names that both have are told apart by the graphs' own prefixes.
  mutating func append(_ other: Graph, _ inputs: [ValueID]) throws(EngineError) -> [ValueID] {
    guard inputs.count == other.inputs.count else {
      throw EngineError(
        .internalDefect, "graphs do not join", expected: "\(other.inputs.count) values",
        received: "\(inputs.count)")
    }
    var map: [ValueID: ValueID] = [:]
    for (mine, theirs) in zip(inputs, other.inputs) { map[theirs] = mine }
    for (i, info) in other.values.enumerated() where map[ValueID(i)] == nil {
      graph.values.append(info)
      map[ValueID(i)] = ValueID(graph.values.count - 1)
    }
    func mapped(_ ids: [ValueID?]) -> [ValueID?] { ids.map { $0.flatMap { map[$0] } } }
    for node in other.nodes {
      guard node.subgraphs.isEmpty else {
        throw EngineError(
          .unsupported, "a network with branches or loops cannot be joined to its features",
          subject: .init(node: node.name))
      }
      var made = node
      made.inputs = mapped(node.inputs)
      made.outputs = mapped(node.outputs)
      graph.nodes.append(made)
    }
    for (id, tensor) in other.initializers {
      if let mine = map[id] { graph.initializers.append((id: mine, tensor: tensor)) }
    }
    return mapped(other.outputs).compactMap { $0 }
  }

  /// The model, in opset 17 unless the network needs a newer one.
  func model(opset: Int = 17) -> ModelGraph {
    var model = ModelGraph(graph)
    model.producerName = "dlrun"
    model.opsets = [("", max(17, opset))]
    if graph.nodes.contains(where: { $0.domain == "ai.onnx.ml" }) {
      model.opsets.append(("ai.onnx.ml", 3))
    }
    return model
  }
}
