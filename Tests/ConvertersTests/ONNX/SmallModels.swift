import Graphs
import Operators
import Tensors

/// Models of a few nodes for tests.
struct SmallModels {
  var graph = Graph()
  private(set) var named: [String: ValueID] = [:]

  mutating func input(_ name: String, _ dtype: DType, _ dims: [Dim]) {
    named[name] = graph.addInput(name, Fact(dtype, dims))
  }

  mutating func weight(_ name: String, _ tensor: Tensor) {
    named[name] = graph.addInitializer(name, tensor)
  }

  /// A node that makes `outputs`; "" is an input that is left out.
  mutating func node(
    _ type: String, _ inputs: [String], _ outputs: [String], _ attributes: [Attribute] = [],
    domain: String = ""
  ) {
    let made = outputs.map { name -> ValueID in
      let id = graph.addValue(name, Fact(nil, nil))
      named[name] = id
      return id
    }
    graph.nodes.append(
      Graph.Node(
        name: "node_\(outputs.first ?? "")", type: type, domain: domain, attributes: attributes,
        inputs: inputs.map { named[$0] }, outputs: made))
  }

  func model(opset: Int, outputs: [String]) throws -> ModelGraph {
    var g = graph
    g.outputs = outputs.compactMap { named[$0] }
    var model = ModelGraph(g)
    model.opsets = [("", opset)]
    model.irVersion = 8
    try model.inferFacts(using: OperatorSet.builtIn.lookup(opsets: model.opsets))
    for id in model.graph.outputs { model.graph.values[id.index].isDeclared = true }
    return model
  }

  static func ramp(_ shape: Shape, _ step: Float = 0.25) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 7) % 23) * step - 2 })
  }
}
