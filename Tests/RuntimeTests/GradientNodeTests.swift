import DLRun
import Operators
import Testing

/// Gradient of ai.onnx.preview.training.
@Suite struct GradientNodeTests {
  /// `y = x * x * w`, with Gradient nodes by the caller.
  private func graph() -> (Graph, x: ValueID, w: ValueID, y: ValueID) {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [3]))
    let w = g.addInput("w", Fact(.float32, []))
    let s = g.addValue("s", Fact(nil, nil))
    let y = g.addValue("y", Fact(nil, nil))
    g.nodes = [
      .init(name: "square", type: "Mul", inputs: [x, x], outputs: [s]),
      .init(name: "scale", type: "Mul", inputs: [s, w], outputs: [y]),
    ]
    return (g, x, w, y)
  }
  private func node(
    _ name: String, xs: [String], zs: [String] = [], y: String, _ inputs: [ValueID],
    _ outputs: [ValueID?]
  ) -> Graph.Node {
    var attributes: [Attribute] = [.strings("xs", xs), .string("y", y)]
    if !zs.isEmpty { attributes.append(.strings("zs", zs)) }
    return .init(
      name: name, type: "Gradient", domain: "ai.onnx.preview.training", attributes: attributes,
      inputs: inputs, outputs: outputs)
  }
  private func run(_ g: Graph, _ inputs: [String: Tensor]) throws -> Outputs {
    var model = Model(g)
    model.opsets = [("", 17), ("ai.onnx.preview.training", 1)]
    return try Session(model).run(inputs)
  }
  private func floats(_ t: Tensor?) -> [Float] { t.map { Array($0.elements(Float.self)) } ?? [] }
  private let x = [1, 2, 3] as [Float]

  @Test func firstDerivatives() throws {
    var (g, a, w, _) = graph()
    let da = g.addValue("da", Fact(nil, nil))
    let dw = g.addValue("dw", Fact(nil, nil))
    // Ahead of what it derives: the names say what it depends on.
    g.nodes.insert(node("d", xs: ["x", "w"], y: "y", [a, w], [da, dw]), at: 0)
    g.outputs = [da, dw]
    let out = try run(g, ["x": Tensor(x), "w": Tensor(scalar: 2 as Float)])
    #expect(floats(out["da"]) == [4, 8, 12])
    #expect(floats(out["dw"]) == [14])
  }

  @Test func secondDerivative() throws {
    var (g, a, w, _) = graph()
    let da = g.addValue("da", Fact(nil, nil))
    let dda = g.addValue("dda", Fact(nil, nil))
    g.nodes.append(node("d", xs: ["x"], zs: ["w"], y: "y", [a, w], [da]))
    g.nodes.append(node("dd", xs: ["x"], zs: ["w"], y: "da", [a, w], [dda]))
    g.outputs = [dda]
    let out = try run(g, ["x": Tensor(x), "w": Tensor(scalar: 2 as Float)])
    #expect(floats(out["dda"]) == [4, 4, 4])
  }

  @Test func atOtherValuesAndAtIntermediateOnes() throws {
    var (g, _, w, _) = graph()
    let other = g.addInitializer("other", try Tensor([10, 20, 30] as [Float]))
    let da = g.addValue("da", Fact(nil, nil))
    let ds = g.addValue("ds", Fact(nil, nil))
    g.nodes.append(node("d", xs: ["x"], zs: ["w"], y: "y", [other, w], [da]))
    g.nodes.append(node("e", xs: ["s"], zs: ["w"], y: "y", [other, w], [ds]))
    g.outputs = [da, ds]
    let out = try run(g, ["x": Tensor(x), "w": Tensor(scalar: 2 as Float)])
    #expect(floats(out["da"]) == [40, 80, 120])
    #expect(floats(out["ds"]) == [2, 2, 2])
  }

  @Test func faultsAreTold() throws {
    var (g, a, _, _) = graph()
    let d = g.addValue("d", Fact(nil, nil))
    g.outputs = [d]
    g.nodes.append(node("d", xs: ["x"], y: "nobody", [a], [d]))
    let inputs = ["x": try Tensor(x), "w": try Tensor(scalar: 2 as Float)]
    #expect(throws: EngineError.self) { try run(g, inputs) }
    g.nodes[2] = node("d", xs: ["x"], y: "d", [a], [d])
    #expect(throws: EngineError.self) { try run(g, inputs) }
    // What does not depend on x has a derivative of zeros.
    g.nodes[2] = node("d", xs: ["x"], y: "w", [a], [d])
    #expect(floats(try run(g, inputs)["d"]) == [0, 0, 0])
  }
}
