import Compiler
import Formats
import Graphs
import Operators
import Runtime
import Tensors
import TestSupport
import Testing

@Suite struct SavedModelTests {
  /// Saves at a level, reads the bytes back and holds the results against the original's.
  private func saved(
    _ model: ModelGraph, _ level: OptimizationLevel, _ inputs: [String: Tensor]
  ) throws -> ModelGraph {
    let made = try Optimizer(PassOptions(level: level, isStrict: true)).saved(model)
    let read = try ONNXReader.read(bytes: try ONNXWriter.bytes(made))
    let options = SessionOptions(threads: 1, optimization: .none)
    let want = try Session(model, options: options).run(inputs)
    let got = try Session(read, options: options).run(inputs)
    for i in 0..<want.count {
      let (a, b) = (try #require(got[i]), try #require(want[i]))
      let why = difference(.tensor(a), .tensor(b), rtol: 1e-4, atol: 1e-5)
      #expect(why == nil, "\(why ?? "")")
    }
    return read
  }

  /// A model in an opset whose nodes are as given, all with one output.
  private func model(
    opset: Int, _ x: Tensor, _ nodes: [(String, [Attribute], [Tensor])]
  ) throws -> ModelGraph {
    var g = Graph()
    var value = g.addInput("x", Fact(x.type))
    for (k, (type, attributes, constants)) in nodes.enumerated() {
      let weights = constants.map { g.addInitializer("c\(g.values.count)", $0) }
      let y = g.addValue(k == nodes.count - 1 ? "y" : "v\(k)", Fact(nil, nil))
      g.nodes.append(
        Graph.Node(
          name: "n\(k)", type: type, attributes: attributes, inputs: [value] + weights, outputs: [y]
        ))
      value = y
    }
    g.outputs = [value]
    var m = ModelGraph(g)
    m.opsets = [("", opset)]
    m.irVersion = 6
    return m
  }

  @Test func basicKeepsTheOpset() throws {
    let x = try ramp([1, 3, 6, 6])
    let m = try model(
      opset: 9, x,
      [
        ("Conv", [], [try ramp([4, 3, 3, 3])]),
        (
          "BatchNormalization", [],
          [
            try ramp([4]), try ramp([4], seed: 2), try ramp([4], seed: 3),
            Tensor([1, 2, 1, 3] as [Float]),
          ]
        ),
        ("Clip", [.float("min", 0), .float("max", 6)], []),
        ("Unsqueeze", [.ints("axes", [0])], []),
      ])
    let read = try saved(m, .basic, ["x": x])
    #expect(read.graph.nodes.map(\.type) == ["Conv", "Clip", "Unsqueeze"])
    #expect(read.opset("") == 9)
  }

  @Test func oldFormsBecomeInputsWhereTheOpsetRises() throws {
    let x = try ramp([1, 2, 4, 6])
    var m = try model(
      opset: 9, x,
      [
        ("Clip", [.float("min", -0.5), .float("max", 0.5)], []),
        ("Unsqueeze", [.ints("axes", [0])], []),
        ("Squeeze", [.ints("axes", [0])], []),
        ("ReduceMean", [.ints("axes", [1]), .int("keepdims", 1)], []),
        ("Slice", [.ints("starts", [1]), .ints("ends", [3]), .ints("axes", [2])], []),
        ("Pad", [.ints("pads", [0, 0, 1, 0, 0, 0, 0, 1]), .float("value", 0.25)], []),
        ("Upsample", [.string("mode", "nearest")], [Tensor([1, 1, 2, 2] as [Float])]),
        ("Relu", [], []),
      ])
    // What a pass would leave: an operator that came with opset 20.
    let lookup = OperatorSet.builtIn.lookup(opsets: [("", 20)])
    var gelu = m.graph.nodes[7]
    gelu.type = "Gelu"
    gelu.op = try lookup.make(gelu, 20)
    m.graph.nodes[7] = gelu
    let read = try saved(m, .all, ["x": x])
    #expect(read.opset("") == 20)
    #expect(read.irVersion >= 9)
    #expect(read.graph.nodes.contains { $0.type == "Resize" })
    for type in ["Clip", "Unsqueeze", "Squeeze", "Slice", "Pad"] {
      for node in read.graph.nodes where node.type == type {
        #expect(node.inputs.count > 1, "\(type)")
      }
    }
    #expect(throws: EngineError.self) {
      try Optimizer(PassOptions(level: .basic)).saved(m)
    }
  }

  @Test(arguments: ["Softmax", "LogSoftmax", "Hardmax"]) func functionsOverManyAxesAreKept(
    _ type: String
  ) throws {
    // Before opset 13 all axes from the given one on counted as one.
    for (shape, axis, kinds) in [
      ([2, 3], 1, [type]), ([2, 3, 1, 1], 1, [type]), ([2, 3, 4], -1, [type]),
      ([2, 3, 4], 1, ["Flatten", type, "Reshape"]),
    ] as [([Int], Int, [String])] {
      let x = try ramp(Shape(shape))
      let m = try model(opset: 11, x, [(type, [.int("axis", axis)], [])])
      let result = try Optimizer(PassOptions(level: .basic)).saved(m, from: 13)
      #expect(result.opset("") == 13)
      let made = result.graph.nodes.map(\.type).filter { $0 != "Shape" }
      #expect(made == kinds, "\(shape) \(axis): \(made)")
      let a = try #require(try Session(m).run(["x": x])[0])
      let b = try #require(try Session(result).run(["x": x])[0])
      #expect(Array(a.elements(Float.self)) == Array(b.elements(Float.self)))
    }
  }

  @Test func ownOperatorsAreExpanded() throws {
    let x = try ramp([2, 3])
    var m = try model(opset: 13, x, [("Relu", [], []), ("Relu", [], [])])
    m.opsets = [("", 13), ("ai.dlrun", 1)]
    var sum = m.graph.nodes[1]
    (sum.type, sum.domain) = ("SumToShape", "ai.dlrun")
    sum.inputs.append(m.graph.addInitializer("s", try ramp([1, 3])))
    m.graph.nodes[1] = sum
    let read = try saved(m, .basic, ["x": x])
    #expect(read.graph.nodes.allSatisfy { $0.domain.isEmpty })
    #expect(read.opset("ai.dlrun") == nil)
  }

  @Test func fusedConvolutionsStayOfMicrosoft() throws {
    let x = try ramp([1, 3, 6, 6])
    let m = try model(
      opset: 11, x, [("Conv", [], [try ramp([4, 3, 3, 3])]), ("Relu", [], [])])
    let read = try saved(m, .all, ["x": x])
    #expect(read.graph.nodes.map(\.type) == ["FusedConv"])
    #expect(read.opset("com.microsoft") == 1 && read.opset("") == 11)
    // A function that ONNX Runtime's operator does not have.
    let other = try model(
      opset: 14, x, [("Conv", [], [try ramp([4, 3, 3, 3])]), ("HardSwish", [], [])])
    #expect(try saved(other, .all, ["x": x]).graph.nodes.map(\.type) == ["Conv", "HardSwish"])
  }

  @Test func bodiesAreRewritten() throws {
    let x = try ramp([2, 3])
    var g = Graph()
    let input = g.addInput("x", Fact(x.type))
    let condition = g.addInput("c", Fact(.bool, []))
    func branch(_ type: String) -> Graph {
      var b = Graph()
      let captured = b.addValue("x", Fact(x.type))
      b.captures = [captured]
      let same = b.addValue("\(type)_i", Fact(nil, nil))
      let y = b.addValue("\(type)_y", Fact(nil, nil))
      b.nodes = [
        Graph.Node(type: "Identity", inputs: [captured], outputs: [same]),
        Graph.Node(type: type, inputs: [same], outputs: [y]),
      ]
      b.values[y.index].isDeclared = true
      b.values[y.index].fact = Fact(x.type)
      b.outputs = [y]
      b.name = type
      return b
    }
    let y = g.addValue("y", Fact(x.type))
    var node = Graph.Node(
      type: "If",
      attributes: [.graph("then_branch", branch("Relu")), .graph("else_branch", branch("Neg"))],
      inputs: [condition], outputs: [y])
    node.captured = [input, input]
    g.nodes = [node]
    g.outputs = [y]
    var m = ModelGraph(g)
    m.opsets = [("", 16)]
    for flag in [true, false] {
      let read = try saved(m, .basic, ["x": x, "c": Tensor(scalar: flag)])
      let bodies = read.graph.nodes.flatMap(\.subgraphs)
      #expect(bodies.map { $0.nodes.map(\.type) } == [["Relu"], ["Neg"]])
    }
  }

  @Test func everyPassHasANameOfItsOwnAndAText() {
    let names = Optimizer.passes.map { $0.name }
    #expect(Set(names).count == names.count)
    for pass in Optimizer.passes {
      #expect(pass.level > .none)
      for words in [pass.about.looksFor, pass.about.makes, pass.about.why] {
        #expect(words.count > 4, "\(pass.name)")
      }
    }
  }
}
