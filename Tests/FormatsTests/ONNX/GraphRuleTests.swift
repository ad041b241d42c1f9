import Graphs
import Tensors
import Testing

@testable import Formats

@Suite struct GraphRuleTests {
  func graph(
    _ nodes: [Wire], inputs: [String] = ["x"], outputs: [String] = ["y"], initializers: [Wire] = []
  ) -> [UInt8] {
    modelMessage(
      graphMessage(nodes: nodes, inputs: inputs, outputs: outputs, initializers: initializers))
  }
  let two = tensorMessage { $0.bytes(9, [UInt8](repeating: 0, count: 8)) }

  @Test func nodesAreSortedAndOtherwiseLeftAlone() throws {
    let nodes = [
      nodeMessage("C", ["b"], ["y"]), nodeMessage("Free", [], ["f"]),
      nodeMessage("B", ["a"], ["b"]),
      nodeMessage("A", ["x"], ["a"]),
    ]
    #expect(try read(graph(nodes)).graph.nodes.map(\.type) == ["A", "B", "C", "Free"])
    #expect(
      try read(graph(Array(nodes.reversed()))).graph.nodes.map(\.type) == ["A", "B", "Free", "C"])
  }

  @Test func capturedValuesCountInTheOrder() throws {
    let branch = attributeMessage("body", 5) { w in
      w.message(
        6, graphMessage(nodes: [nodeMessage("Neg", ["late"], ["n"])], inputs: [], outputs: ["n"]))
    }
    let nodes = [
      nodeMessage("If", ["x"], ["y"], attributes: [branch]), nodeMessage("Late", ["x"], ["late"]),
    ]
    #expect(try read(graph(nodes)).graph.nodes.map(\.type) == ["Late", "If"])
  }

  @Test func cyclesAreNamed() {
    let nodes = [
      nodeMessage("A", ["x", "c"], ["a"], name: "first"), nodeMessage("B", ["a"], ["b"]),
      nodeMessage("C", ["b"], ["c"], name: "third"), nodeMessage("D", ["c"], ["y"]),
    ]
    #expect(
      complaint(graph(nodes)) == "invalidModel: the nodes form a cycle: 'b' -> 'third' -> 'first'")
    #expect(
      complaint(graph([nodeMessage("A", ["y"], ["y"], name: "own")]))
        == "invalidModel: the nodes form a cycle: 'own'")
  }

  @Test func longChainsAreNoProblem() throws {
    // In the worst order, where a recursive sort would need the deepest stack.
    let nodes = (0..<20_000).reversed().map { i in
      nodeMessage("N", [i == 0 ? "x" : "v\(i - 1)"], [i == 19_999 ? "y" : "v\(i)"])
    }
    let sorted = try read(graph(nodes)).graph
    #expect(sorted.nodes.count == 20_000)
    #expect(sorted.nodes.last.map { $0.outputs } == [sorted.outputs[0]])
  }

  @Test func everyValueIsMadeOnce() {
    #expect(
      complaint(graph([nodeMessage(), nodeMessage()]))
        == "invalidModel: the value 'y' is made twice (node output)")
    #expect(
      complaint(graph([nodeMessage("Relu", ["x"], ["x"])]))
        == "invalidModel: the value 'x' is made twice (node output)")
    #expect(
      complaint(graph([nodeMessage("Relu", ["x"], ["w"])], outputs: ["w"], initializers: [two]))
        == "invalidModel: the value 'w' is made twice (node output)")
    #expect(
      complaint(graph([nodeMessage()], inputs: ["x", "x"]))
        == "invalidModel: the value 'x' is made twice (graph input)")
    #expect(
      complaint(graph([nodeMessage()], initializers: [two, two]))
        == "invalidModel: initializer 'w' appears twice")
    #expect(
      complaint(graph([nodeMessage()], outputs: ["y", "y"]))
        == "invalidModel: graph output 'y' is listed twice")
  }

  @Test func everyValueIsMade() {
    let error = failure {
      try read(graph([nodeMessage("Relu", ["x", "nobody"], ["y"], name: "n")]))
    }
    #expect(error?.code == .invalidModel)
    #expect(error?.message == "input 1 ('nobody') is made by no node, input or initializer")
    #expect(error?.subject.node == "n" && error?.subject.operatorName == "Relu")
    #expect(
      complaint(graph([nodeMessage()], outputs: ["z"]))
        == "invalidModel: graph output 'z' is made by no node")
    // A branch does not see what its sibling makes.
    let a = attributeMessage("a", 5) { w in
      w.message(
        6, graphMessage(nodes: [nodeMessage("N", [], ["inner"])], inputs: [], outputs: ["inner"]))
    }
    let b = attributeMessage("b", 5) { w in
      w.message(
        6, graphMessage(nodes: [nodeMessage("N", ["inner"], ["o"])], inputs: [], outputs: ["o"]))
    }
    #expect(
      complaint(graph([nodeMessage("If", [], ["y"], attributes: [a, b])])).contains("'inner'"))
  }

  @Test func namesAreThere() {
    #expect(complaint(graph([nodeMessage("")])) == "invalidModel: the node has no operator type")
    #expect(
      complaint(graph([nodeMessage()], inputs: ["x", ""]))
        == "invalidModel: a graph input has no name")
    #expect(
      complaint(graph([nodeMessage()], initializers: [two.renamedNothing()]))
        == "invalidModel: an initializer has no name")
  }

  @Test func defaultsFitTheirInputs() throws {
    let file = graph([nodeMessage()], inputs: ["x", "w"], initializers: [two])
    let model = try read(file)
    #expect(
      model.graph.inputs.count == 2 && model.graph.initializers[0].id == model.graph.inputs[1])
    let wrong = tensorMessage(type: 7) { $0.bytes(9, [UInt8](repeating: 0, count: 16)) }
    #expect(
      complaint(graph([nodeMessage()], inputs: ["x", "w"], initializers: [wrong]))
        == "invalidModel: initializer 'w' differs in type from the input of that name")
  }

  @Test func nodesAreLimited() {
    var limits = ReadLimits()
    limits.maxNodes = 1
    #expect(
      complaint(graph([nodeMessage("A", ["x"], ["a"]), nodeMessage("B", ["a"], ["y"])]), limits)
        == "budget: too many nodes")
  }

  func attribute(_ attributes: Wire...) -> String {
    complaint(graph([nodeMessage(attributes: attributes)]))
  }

  @Test func attributesHaveTheTypeTheyState() throws {
    #expect(attribute(attributeMessage("a", 2) { $0.int(3, 1) }) == "accepted")
    // A zero that the writer left out, and a type that an old writer left out.
    #expect(attribute(attributeMessage("a", 2) { _ in }) == "accepted")
    #expect(attribute(attributeMessage("a", nil) { $0.float(2, 1) }) == "accepted")
    #expect(
      attribute(attributeMessage("a", 2) { $0.float(2, 1) })
        == "attribute: attribute 'a' has a value of another type")
    #expect(
      attribute(
        attributeMessage("a", 2) { w in
          w.float(2, 1)
          w.int(3, 1)
        }) == "attribute: attribute 'a' has a value of another type")
    #expect(
      attribute(attributeMessage("a", 15) { _ in })
        == "attribute: attribute 'a' has an unknown type")
    #expect(
      attribute(attributeMessage("a", nil) { _ in }) == "attribute: attribute 'a' has no type")
    #expect(attribute(attributeMessage("a", 4) { _ in }) == "attribute: attribute 'a' has no value")
    #expect(attribute(attributeMessage("a", 5) { _ in }) == "attribute: attribute 'a' has no value")
    #expect(attribute(attributeMessage("", 2) { _ in }) == "attribute: an attribute has no name")
    #expect(
      attribute(attributeMessage("a", 2) { _ in }, attributeMessage("a", 2) { _ in })
        == "invalidModel: attribute 'a' appears twice")
    #expect(
      attribute(attributeMessage("a", 2) { $0.string(21, "outer") })
        == "attribute: attribute 'a' refers to 'outer' outside a function")
  }
}

extension Wire {
  func renamedNothing() -> Wire { wire { $0.raw(joined().withoutName("w")) } }
}
