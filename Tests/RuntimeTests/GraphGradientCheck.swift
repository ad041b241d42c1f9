import DLRun
import Testing

/// A node whose graphs capture values.
func node(
  _ type: String, _ inputs: [ValueID?], _ outputs: [ValueID], _ attributes: [Attribute] = [],
  captured: [ValueID] = []
) -> Graph.Node {
  var node = Graph.Node(type: type, attributes: attributes, inputs: inputs, outputs: outputs)
  node.captured = captured
  return node
}

/// Runs `y` of `graph` and its Gradient by `xs`, and compares with differences of the sum of `y`.
func checkGradient(_ graph: Graph, y: ValueID, _ values: [(String, Tensor)]) throws {
  var g = graph
  let xs = g.inputs.filter { id in
    values.contains { $0.0 == g.values[id.index].name && $0.1.dtype == .float64 }
  }
  let names = xs.map { g.values[$0.index].name }
  var outputs: [ValueID] = []
  for name in names { outputs.append(g.addValue("d_" + name, Fact(nil, nil))) }
  g.nodes.append(
    .init(
      name: "gradient", type: "Gradient", domain: "ai.onnx.preview.training",
      attributes: [.strings("xs", names), .string("y", g.values[y.index].name)],
      inputs: xs, outputs: outputs))
  g.outputs = [y] + outputs
  var model = Model(g)
  model.opsets = [("", 18), ("ai.onnx.preview", 1), ("ai.onnx.preview.training", 1)]
  let session = try Session(model)
  func run(_ list: [(String, Tensor)]) throws -> Outputs {
    try session.run(Dictionary(uniqueKeysWithValues: list))
  }
  let result = try run(values)
  for (place, (name, t)) in values.enumerated() where names.contains(name) {
    let rule = try #require(result["d_" + name])
    #expect(rule.shape == t.shape)
    for j in 0..<t.count {
      func sum(_ by: Double) throws -> Double {
        var x = Array(t.elements(Double.self))
        x[j] += by
        var list = values
        list[place].1 = try Tensor(shape: t.shape, x)
        let y = try #require(try run(list)[g.values[y.index].name])
        return y.elements(Double.self).reduce(0, +)
      }
      let difference = try (sum(1e-6) - sum(-1e-6)) / 2e-6
      let got = rule.elements(Double.self)[j]
      #expect(
        abs(got - difference) <= 1e-5 + 1e-3 * abs(difference),
        "\(name)[\(j)]: \(got), differences \(difference)")
    }
  }
}
