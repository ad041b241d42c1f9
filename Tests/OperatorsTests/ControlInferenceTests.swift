import Graphs
import Operators
import Tensors
import Testing

@Suite struct ControlInferenceTests {
  /// A graph without inputs that gives a constant of `count` ones.
  private func branch(_ count: Int) throws -> Graph {
    var g = Graph()
    let ones = [Float](repeating: 1, count: count)
    g.outputs = [g.addInitializer("ones", try Tensor(ones))]
    return g
  }
  /// A graph that cannot be: it reshapes three elements to two.
  private func wrong() throws -> Graph {
    var g = Graph()
    let x = g.addInitializer("x", try Tensor([1, 2, 3] as [Float]))
    let s = g.addInitializer("s", try Tensor([2] as [Int64]))
    let y = g.addValue("y", Fact(nil, nil))
    g.nodes = [Graph.Node(type: "Reshape", inputs: [x, s], outputs: [y])]
    g.outputs = [y]
    return g
  }
  private func model(_ then: Graph, _ otherwise: Graph, condition: Bool?) throws -> Graph {
    var g = Graph()
    let c =
      if let condition { g.addInitializer("c", try Tensor(scalar: condition)) } else {
        g.addInput("c", Fact(.bool, []))
      }
    let y = g.addValue("out", Fact(nil, nil))
    g.nodes = [
      Graph.Node(
        type: "If", attributes: [.graph("then_branch", then), .graph("else_branch", otherwise)],
        inputs: [c], outputs: [y])
    ]
    g.outputs = [y]
    return g
  }
  private func type(_ graph: Graph) throws -> String {
    var g = graph
    try g.inferFacts(using: Registry.lookup(opsets: [("", 20)]))
    return g.values[g.outputs[0].index].fact.type.description
  }

  @Test func branchesJoin() throws {
    #expect(try type(model(branch(2), branch(2), condition: nil)) == "float32[2]")
    #expect(try type(model(branch(2), branch(3), condition: nil)) == "float32[either(2,3)]")
  }

  @Test func aConstantConditionDecides() throws {
    #expect(try type(model(branch(2), wrong(), condition: true)) == "float32[2]")
    #expect(try type(model(wrong(), branch(3), condition: false)) == "float32[3]")
    let error = #expect(throws: EngineError.self) {
      try type(model(branch(2), wrong(), condition: nil))
    }
    #expect(error?.subject.node == "y")
    #expect(error?.subject.operatorName == "Reshape")
  }
}
