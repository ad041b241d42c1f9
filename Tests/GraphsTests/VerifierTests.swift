import Graphs
import Tensors
import Testing

@Suite struct VerifierTests {
  /// x -> a -> b, verified.
  private func chain() throws -> (Graph, x: ValueID, a: ValueID, b: ValueID) {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [2]))
    let a = g.add("TestAdd", [x, x], output: "a")
    let b = g.add("TestAdd", [a, a], output: "b")
    g.outputs = [b]
    try g.verify(using: testLookup)
    return (g, x, a, b)
  }

  private func expectFault(_ text: String, in g: Graph, _ at: SourceLocation = #_sourceLocation) {
    let faults = g.faults(using: testLookup)
    #expect(
      faults.contains { $0.description.contains(text) }, "\(faults.map(\.description))",
      sourceLocation: at)
  }

  @Test func numbersLieInTheGraph() throws {
    var (g, _, _, _) = try chain()
    g.nodes[1].inputs[0] = ValueID(99)
    expectFault("does not have", in: g)
    g.nodes[1].inputs[0] = ValueID(-1)
    expectFault("does not have", in: g)
    #expect(throws: EngineError.self) { try g.inferFacts(using: testLookup) }
  }

  @Test func eachValueIsMadeOnce() throws {
    var (g, x, a, _) = try chain()
    g.nodes[1].outputs = [a]
    expectFault("made twice", in: g)
    g.nodes[1].outputs = [x]
    expectFault("made twice", in: g)
    g = try chain().0
    g.inputs.append(x)
    expectFault("input twice", in: g)
    g = try chain().0
    g.nodes[0].inputs[0] = g.addValue("ghost", Fact(nil, nil))
    expectFault("nothing makes it", in: g)
    g = try chain().0
    g.outputs.append(g.addValue("ghost", Fact(nil, nil)))
    expectFault("never made", in: g)
  }

  @Test func ordersNodes() throws {
    var (g, _, _, _) = try chain()
    g.nodes.swapAt(0, 1)
    expectFault("before it is made", in: g)
    g.nodes[0].inputs[0] = g.nodes[0].outputs[0]
    expectFault("used at 0", in: g)
  }

  @Test func namesAreUnique() throws {
    var (g, _, a, _) = try chain()
    g.values[a.index].name = "x"
    expectFault("two values have the name 'x'", in: g)
  }

  @Test func initializersAreAsDeclared() throws {
    var (g, x, _, _) = try chain()
    g.initializers = [(x, try Tensor([1, 2] as [Float]))]
    #expect(g.faults(using: testLookup).isEmpty)
    g.initializers = [(x, try Tensor([1, 2, 3] as [Float]))]
    expectFault("another size than declared", in: g)
    g.initializers = [(x, try Tensor([1, 2] as [Int64]))]
    expectFault("another element type", in: g)
    let t = try Tensor([1, 2] as [Float])
    g.initializers = [(x, t), (x, t)]
    expectFault("two initializers", in: g)
  }

  @Test func capturesMatch() throws {
    var inner = Graph()
    inner.captures = [inner.addValue("x", Fact(nil, nil))]
    inner.outputs = inner.captures
    var (g, _, _, _) = try chain()
    g.nodes[0].attributes = [.graph("then", inner)]
    expectFault("another number of captured values", in: g)
    var outer = Graph()
    outer.captures = [outer.addValue("x", Fact(nil, nil))]
    expectFault("outermost graph captures", in: outer)
  }

  @Test func checksArityOpsetsAndAttributes() throws {
    var (g, x, _, _) = try chain()
    g.nodes[0].inputs = [x]
    expectFault("required input 1 (B) is missing", in: g)
    g.nodes[0].inputs = [x, x]
    g.nodes[0].domain = "elsewhere"
    expectFault("imports no version of domain 'elsewhere'", in: g)
    g.nodes[0].domain = "test"
    g.nodes[0].attributes = [.int("a", 1), .int("a", 2)]
    expectFault("attribute 'a' stands twice", in: g)
    g.nodes[0].attributes = [Attribute("a", .reference("b", typeCode: 2))]
    expectFault("outside one", in: g)
  }

  @Test func limitsDepth() throws {
    var g = Graph()
    for _ in 0...Graph.maxDepth {
      var outer = Graph()
      outer.nodes = [Graph.Node(type: "TestIf", domain: "test", inputs: [], outputs: [])]
      outer.nodes[0].attributes = [.graph("then", g)]
      g = outer
    }
    expectFault("nested too deep", in: g)
    #expect(throws: EngineError.self) { try g.inferFacts(using: testLookup) }
  }

  @Test func functionsDoNotRecur() throws {
    func function(_ name: String, calling other: String) -> Function {
      var body = Graph()
      let x = body.addInput("x", Fact(nil, nil))
      body.outputs = [body.add(other, [x], output: "y")]
      body.nodes[0].domain = "local"
      return Function(name: name, domain: "local", body: body)
    }
    var model = ModelGraph(Graph())
    model.opsets = [("local", 1)]
    let lookup = OperatorLookup(opsets: model.opsets, make: testLookup.make)
    model.functions = [function("A", calling: "B"), function("B", calling: "Relu")]
    #expect(model.faults(using: lookup).isEmpty)
    model.functions = [function("A", calling: "B"), function("B", calling: "A")]
    let faults = model.faults(using: lookup).map(\.message)
    #expect(faults.count == 2 && faults.allSatisfy { $0.contains("calls itself") })
    model.functions = [function("A", calling: "C"), function("A", calling: "C")]
    #expect(model.faults(using: lookup).map(\.message).contains { $0.contains("defined twice") })
  }
}
