import Graphs
import Tensors
import Testing

@Suite struct FunctionInliningTests {
  /// A function of the domain `local` whose body `make` fills.
  private func function(
    _ name: String, inputs: [String], _ make: (inout Graph, [ValueID]) -> [ValueID]
  ) -> Function {
    var body = Graph()
    let ids = inputs.map { body.addInput($0, Fact(nil, nil)) }
    body.outputs = make(&body, ids)
    return Function(name: name, domain: "local", body: body)
  }

  /// A model that calls `name` on x.
  private func model(
    calling name: String, attributes: [Attribute] = [], outputs: Int = 1, _ functions: [Function]
  ) -> ModelGraph {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N")]))
    let ys = (0..<outputs).map { g.addValue("y\($0)", Fact(nil, nil)) }
    g.nodes = [
      Graph.Node(
        name: "call", type: name, domain: "local", attributes: attributes, inputs: [x], outputs: ys)
    ]
    g.outputs = ys
    var model = ModelGraph(g)
    model.opsets = [("test", 1), ("local", 1), ("", 20)]
    model.functions = functions
    return model
  }

  @Test func namesAndNests() throws {
    let inner = function("Double", inputs: ["a"]) { g, x in
      [g.add("TestAdd", [x[0], x[0]], output: "s")]
    }
    let outer = function("Quadruple", inputs: ["a"]) { g, x in
      let t = g.add("Double", [x[0]], output: "t")
      let u = g.add("Double", [t], output: "y0")
      for i in g.nodes.indices { g.nodes[i].domain = "local" }
      return [u]
    }
    let before = model(calling: "Quadruple", [inner, outer])
    try before.verify(using: OperatorLookup(opsets: before.opsets, make: testLookup.make))
    var after = try before.inliningFunctions()
    #expect(after.functions.isEmpty)
    #expect(after.graph.nodes.map(\.type) == ["TestAdd", "TestAdd"])
    #expect(after.graph.nodes.map(\.name) == ["call/make_t/make_s", "call/make_y0/make_s"])
    #expect(after.graph.values.map(\.name) == ["x", "y0", "call/t"])
    try after.verify()
    try after.inferFacts(using: testLookup)
    #expect(after.graph.type(after.graph.outputs[0]) == "float32[N]")
  }

  @Test func resolvesAttributes() throws {
    func body(_ g: inout Graph, _ x: [ValueID]) -> [ValueID] {
      [
        g.add(
          "TestAdd", [x[0], x[0]], output: "s",
          attributes: [
            Attribute("p", .reference("given", typeCode: 2)),
            Attribute("q", .reference("standard", typeCode: 2)),
            Attribute("r", .reference("absent", typeCode: 2)),
          ])
      ]
    }
    var f = function("F", inputs: ["a"], body)
    f.attributeNames = ["given", "absent"]
    f.defaults = [.int("standard", 7)]
    let after = try model(calling: "F", attributes: [.int("given", 3)], [f]).inliningFunctions()
    let texts = after.graph.nodes[0].attributes.map { "\($0.name)=\($0.payload.text())" }
    #expect(texts == ["p=3", "q=7"])
  }

  @Test func handsInputsThrough() throws {
    let f = function("F", inputs: ["a"]) { g, x in
      let s = g.add("TestAdd", [x[0], x[0]], output: "s")
      return [x[0], s, s]
    }
    let after = try model(calling: "F", outputs: 3, [f]).inliningFunctions()
    #expect(after.graph.nodes.map(\.type) == ["TestAdd", "Identity", "Identity"])
    try after.verify()
  }

  @Test func leavesOutAbsentInputs() throws {
    let f = function("F", inputs: ["a", "b"]) { g, x in
      [g.add("TestAdd", [x[0], x[1]], output: "s")]
    }
    let after = try model(calling: "F", [f]).inliningFunctions()
    #expect(after.graph.nodes[0].inputs == [ValueID(0), nil])
  }

  @Test func refusesRecursionAndFloods() throws {
    func calling(_ name: String, _ other: String, times: Int = 1) -> Function {
      function(name, inputs: ["a"]) { g, x in
        var y = x[0]
        for i in 0..<times { y = g.add(other, [y], output: "v\(i)") }
        for i in g.nodes.indices where other != "TestShape" { g.nodes[i].domain = "local" }
        return [y]
      }
    }
    let loop = model(calling: "A", [calling("A", "B"), calling("B", "A")])
    var error = #expect(throws: EngineError.self) { try loop.inliningFunctions() }
    #expect(error?.message.contains("calls itself") == true)
    let chain = (0..<80).map { calling("F\($0)", $0 == 79 ? "TestShape" : "F\($0 + 1)") }
    error = #expect(throws: EngineError.self) {
      try model(calling: "F0", chain).inliningFunctions()
    }
    #expect(error?.message.contains("too deep") == true)
    let two = function("F", inputs: []) { _, _ in [] }
    error = #expect(throws: EngineError.self) { try model(calling: "F", [two]).inliningFunctions() }
    #expect(error?.code == .arity)
  }
}
