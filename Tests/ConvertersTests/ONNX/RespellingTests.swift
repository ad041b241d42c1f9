import Compiler
import Formats
import Graphs
import Operators
import Runtime
import TestSupport
import Tensors
import Testing

@Suite struct RespellingTests {
  private func run(_ model: ModelGraph, _ inputs: [String: Tensor]) throws -> [Tensor] {
    let read = try ONNXReader.read(bytes: try ONNXWriter.bytes(model))
    let results = try Session(read, options: .init(threads: 1, optimization: .none)).run(inputs)
    return try (0..<results.count).map { try #require(results[$0]) }
  }

  /// Writes the model in `opset` and back, and holds the results against its own: the same bits
  /// both ways, or within a tolerance where a node has only a longer form.
  private func check(
    _ model: ModelGraph, to opset: Int, _ inputs: [String: Tensor], tolerance: Double = 0
  ) throws {
    let own = try #require(model.opset(""))
    let want = try run(model, inputs)
    let other = try model.respelled(opset: opset)
    #expect(other.opset("") == opset)
    for made in [other, try other.respelled(opset: own)] {
      for (a, b) in zip(try run(made, inputs), want) {
        let isSame = haveSameBits(.tensor(a), .tensor(b))
        let why = difference(.tensor(a), .tensor(b), rtol: tolerance, atol: tolerance)
        #expect(tolerance == 0 ? isSame : why == nil, "opset \(opset): \(why ?? "other bits")")
      }
    }
  }

  @Test(arguments: [1, 6, 7, 9, 11, 12, 17, 18, 24]) func attributesAndInputsChangePlaces(
    _ opset: Int
  ) throws {
    var m = SmallModels()
    m.input("x", .float32, [.n, 3, 4])
    m.weight("axes", try Tensor([1] as [Int64]))
    m.weight("shape", try Tensor([0, -1] as [Int64]))
    m.weight("low", try Tensor(scalar: Float(-1)))
    m.weight("high", try Tensor(scalar: Float(1.5)))
    m.node("Clip", ["x", "low", "high"], ["c"])
    m.node("ReduceMax", ["c", "axes"], ["r"], [.bool("keepdims", true)])
    m.node("Squeeze", ["r", "axes"], ["s"])
    m.node("Unsqueeze", ["s", "axes"], ["u"])
    m.node("Reshape", ["u", "shape"], ["y"])
    let model = try m.model(opset: 18, outputs: ["y"])
    try check(model, to: opset, ["x": SmallModels.ramp([2, 3, 4])])
  }

  @Test(arguments: [1, 6]) func broadcastingIsAskedForBeforeOpset7(_ opset: Int) throws {
    var m = SmallModels()
    m.input("x", .float32, [2, 3, 2])
    m.weight("channel", try SmallModels.ramp([3, 1]))
    m.weight("row", try Tensor([1, -2] as [Float]))
    m.weight("one", try Tensor(scalar: Float(3)))
    m.weight("slope", try SmallModels.ramp([3, 1]))
    m.node("Add", ["x", "channel"], ["a"])
    m.node("Sub", ["a", "row"], ["b"])
    m.node("Mul", ["one", "b"], ["c"])
    m.node("PRelu", ["c", "slope"], ["d"])
    m.node("Add", ["d", "x"], ["y"])
    let model = try m.model(opset: 13, outputs: ["y"])
    try check(model, to: opset, ["x": SmallModels.ramp([2, 3, 2])])
  }

  @Test(arguments: [9, 12, 13, 17]) func softmaxTurnsItsAxis(_ opset: Int) throws {
    for axis in [0, 1, 2, -1, -2] {
      var m = SmallModels()
      m.input("x", .float32, [.a, .b, .c])
      m.node("Softmax", ["x"], ["y"], [.int("axis", axis)])
      for own in [11, 14] {
        let model = try m.model(opset: own, outputs: ["y"])
        try check(model, to: opset, ["x": SmallModels.ramp([2, 3, 4])], tolerance: 1e-6)
      }
    }
  }

  @Test func newOperatorsBecomeWhatTheyStandFor() throws {
    let x = try SmallModels.ramp([2, 3, 4])
    for (type, attributes) in [
      ("Gelu", []), ("Gelu", [.string("approximate", "tanh")]), ("HardSwish", []), ("Mish", []),
      ("Celu", [.float("alpha", 0.5)]), ("Swish", [.float("alpha", 2)]),
    ] as [(String, [Attribute])] {
      var m = SmallModels()
      m.input("x", .float32, [2, 3, 4])
      m.node(type, ["x"], ["y"], attributes)
      try check(m.model(opset: 24, outputs: ["y"]), to: 11, ["x": x], tolerance: 1e-5)
    }
    var m = SmallModels()
    m.input("x", .float32, [.n, 3, 4])
    m.weight("scale", try SmallModels.ramp([4]))
    m.weight("bias", try SmallModels.ramp([4], 0.5))
    m.node("LayerNormalization", ["x", "scale", "bias"], ["y"])
    let model = try m.model(opset: 17, outputs: ["y"])
    try check(model, to: 13, ["x": x], tolerance: 1e-5)
    #expect(
      try !model.respelled(opset: 13).graph.nodes.contains { $0.type == "LayerNormalization" })
  }

  @Test func everyNodeWithoutAFormIsNamed() throws {
    var m = SmallModels()
    m.input("x", .float32, [2, 3])
    m.node("Erf", ["x"], ["a"])
    m.node("Round", ["a"], ["b"])
    m.node("Erf", ["b"], ["y"])
    let model = try m.model(opset: 13, outputs: ["y"])
    #expect {
      try model.respelled(opset: 7)
    } throws: { error in
      let text = "\(error)"
      return (error as? EngineError)?.code == .unsupported && text.contains("3 nodes")
        && text.contains("Erf (at 'node_a', 'node_y')") && text.contains("Round (at 'node_b')")
    }
    #expect(throws: EngineError.self) { try model.respelled(opset: 99) }
    #expect(throws: EngineError.self) { try model.respelled(opset: 0) }
  }

  @Test func namesDocsAndMetadataStay() throws {
    var m = SmallModels()
    m.input("x", .float32, [.n, 3])
    m.weight("axes", try Tensor([1] as [Int64]))
    m.node("Relu", ["x"], ["a"])
    m.node("ReduceMean", ["a", "axes"], ["y"])
    var model = try m.model(opset: 18, outputs: ["y"])
    model.doc = "a model"
    model.metadata = [.init("key", "value")]
    model.graph.nodes[0].doc = "a node"
    model.graph.nodes[1].metadata = [.init("k", "v")]
    let old = try model.respelled(opset: 11)
    #expect(old.doc == "a model" && old.metadata == model.metadata)
    #expect(old.graph.nodes.map(\.name) == ["node_a", "node_y"])
    #expect(old.graph.nodes[0].doc == "a node")
    #expect(old.graph.nodes[1].metadata == [.init("k", "v")])
    #expect(old.graph.values.contains { $0.name == "a" })
    #expect(!old.graph.values.contains { $0.name == "axes" })
    #expect(old.graph.inputs.map { old.graph.values[$0.index].fact.dims } == [[.n, 3]])
    #expect(old.irVersion == 6)
  }
}

extension Dim {
  fileprivate static let n = Dim(symbol: "n")
  fileprivate static let a = Dim(symbol: "a")
  fileprivate static let b = Dim(symbol: "b")
  fileprivate static let c = Dim(symbol: "c")
}
