import Graphs
import Tensors
import Testing

@Suite struct GraphInferenceTests {
  @Test func carriesSymbolsAndValues() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N"), 3]))
    let y = g.add("TestAdd", [x, x], output: "y")
    let s = g.add("TestShape", [y], output: "s")
    g.outputs = [s]
    try g.inferFacts(using: testLookup)
    #expect(g.type(y) == "float32[N, 3]")
    #expect(g.values[s.index].fact.elements?.map(\.description) == ["N", "3"])
    #expect(g.nodes[0].op is TestAdd)
  }

  @Test func overridesSettleNamedSizes() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N"), 3]))
    let u = g.addInput("u", Fact(.float32, [Dim(symbol: "N")]))
    let y = g.add("TestAdd", [x, x], output: "y")
    let s = g.add("TestShape", [y], output: "s")
    try g.inferFacts(using: testLookup, inputs: [x: Fact(.float32, [5, 3])])
    #expect(g.type(y) == "float32[5, 3]")
    #expect(g.type(u) == "float32[5]")
    #expect(try g.values[s.index].fact.constant?.values(as: Int64.self) == [5, 3])
  }

  @Test func refusesAnOverrideThatContradicts() throws {
    for wrong in [Fact(.float32, [5, 4]), Fact(.int64, [5, 3]), Fact(.float32, [5])] {
      var g = Graph()
      let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N"), 3]))
      #expect(throws: EngineError.self) {
        try g.inferFacts(using: testLookup, inputs: [x: wrong])
      }
    }
  }

  @Test func unnamedSizesDiffer() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: ""), -1, Dim(symbol: "unk__7")]))
    try g.inferFacts(using: testLookup)
    #expect(g.type(x) == "float32[unk__8, unk__9, unk__7]")
  }

  @Test func foldsSmallConstants() throws {
    var g = Graph()
    let a = g.addInitializer("a", try Tensor([1, 2] as [Int64]))
    let y = g.add("TestAdd", [a, a], output: "y")
    try g.inferFacts(using: testLookup)
    #expect(g.values[y.index].fact.knownInts == [2, 4])
    g.nodes[0].op = nil
    try g.inferFacts(using: testLookup, options: InferenceOptions(maxFoldedElements: 0))
    #expect(g.values[y.index].fact.knownInts == nil)
  }

  @Test func declaredTypesRefineAndContradict() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N"), 3]))
    let y = g.add("TestAdd", [x, x], output: "y")
    g.values[y.index].isDeclared = true
    g.values[y.index].fact = Fact(.float32, [4, 3])
    let z = g.add("TestAdd", [y, y], output: "z")
    let fine = g
    try g.inferFacts(using: testLookup)
    #expect(g.type(z) == "float32[4, 3]")

    g = fine
    g.values[y.index].fact = Fact(.float32, [4, 2])
    let error = #expect(throws: EngineError.self) { try g.inferFacts(using: testLookup) }
    #expect(error?.code == .shape)
    #expect(error?.subject.node == "make_y")
    #expect(error?.expected == "[4, 2]")
    #expect(error?.received == "[N, 3]")
    g = fine
    g.values[y.index].fact = Fact(.int64, nil)
    #expect(try g.inferFacts(using: testLookup, options: .lenient).map(\.code) == [.dtype])
  }

  @Test func lenientSurvivesUnknownOperators() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [2]))
    let y = g.add("Nonsense", [x], output: "y")
    g.values[y.index].isDeclared = true
    g.values[y.index].fact = Fact(.float32, [7])
    let z = g.add("TestAdd", [y, y], output: "z")
    var strict = g
    let error = #expect(throws: EngineError.self) { try strict.inferFacts(using: testLookup) }
    #expect(error?.subject.node == "make_y")
    #expect(error?.subject.operatorName == "Nonsense")
    let faults = try g.inferFacts(using: testLookup, options: .lenient)
    #expect(faults.map(\.code) == [.unsupported])
    #expect(g.type(z) == "float32[7]")
  }

  @Test func entersSubgraphs() throws {
    var inner = Graph()
    inner.name = "then"
    let c = inner.addValue("x", Fact(nil, nil))
    inner.captures = [c]
    let d = inner.add("TestAdd", [c, c], output: "d")
    inner.outputs = [d]
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "N")]))
    let b = g.addInput("b", Fact(.bool, []))
    let y = g.add("TestIf", [b], output: "y", attributes: [.graph("then", inner)])
    g.nodes[0].captured = [x]
    g.outputs = [y]
    try g.verify(using: testLookup)
    try g.inferFacts(using: testLookup)
    #expect(g.type(y) == "float32[N]")
    let kept = try #require(g.nodes[0].subgraphs.first)
    #expect(kept.type(d) == "float32[N]")
    #expect((g.nodes[0].op as? TestIf)?.branch.nodes[0].op is TestAdd)
  }

  @Test func compositesNeedNoInference() throws {
    let known = try TestTriple().infer(Inference(inputs: [Fact(.float32, [Dim(symbol: "N")])]))
    #expect(known[0].type.description == "float32[N]")
    let unknown = try TestTriple().infer(Inference(inputs: [Fact(.float32, nil)]))
    #expect(unknown[0].type == .tensor(nil, nil))
  }
}
