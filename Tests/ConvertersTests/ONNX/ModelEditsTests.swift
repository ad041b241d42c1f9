import Converters
import Formats
import Graphs
import Operators
import Runtime
import TestSupport
import Tensors
import Testing

@Suite struct ModelEditsTests {
  private func network() throws -> ModelGraph {
    var m = SmallModels()
    m.input("x", .float32, [.batch, 4])
    m.weight("w", try SmallModels.ramp([4, 3]))
    m.weight("b", try SmallModels.ramp([3]))
    m.node("MatMul", ["x", "w"], ["h"])
    m.node("Add", ["h", "b"], ["s"])
    m.node("Relu", ["s"], ["r"])
    m.node("Softmax", ["r"], ["y"], [.int("axis", -1)])
    return try m.model(opset: 17, outputs: ["y"])
  }

  private func edited(
    _ model: ModelGraph, _ change: (inout ModelEdits) -> Void
  ) throws -> ModelGraph {
    var model = model
    var edits = ModelEdits()
    change(&edits)
    _ = try edits.apply(to: &model)
    return try ONNXReader.read(bytes: try ONNXWriter.bytes(model))
  }

  private func message(_ change: (inout ModelEdits) -> Void) -> String {
    do {
      _ = try edited(network(), change)
      return "no error"
    } catch { return "\(error)" }
  }

  private func run(_ model: ModelGraph, _ inputs: [String: Tensor]) throws -> [Tensor] {
    let results = try Session(model, options: .init(threads: 1)).run(inputs)
    return try (0..<results.count).map { try #require(results[$0]) }
  }

  // MARK: Names

  @Test func valuesGetOtherNames() throws {
    let model = try edited(network()) {
      $0.renames = [("x", "y"), ("y", "x"), ("h", "hidden"), ("w", "weights")]
    }
    #expect(model.graph.inputs.map { model.graph.name($0) } == ["y"])
    #expect(model.graph.outputs.map { model.graph.name($0) } == ["x"])
    #expect(model.graph.values.contains { $0.name == "hidden" })
    #expect(model.graph.values.contains { $0.name == "weights" })
  }

  @Test func wrongNamesAreTold() {
    #expect(message { $0.renames = [("hh", "z")] }.contains("expected 'h'"))
    #expect(message { $0.renames = [("h", "s")] }.contains("two values would have the name 's'"))
    #expect(message { $0.renames = [("h", "a"), ("h", "b")] }.contains("two new names"))
    #expect(message { $0.outputs = ["rr"] }.contains("expected 'r'"))
    #expect(message { $0.inputs = ["s", "s"] }.contains("named twice"))
    #expect(message { $0.shapes = [("z", [1])] }.contains("expected 'x'"))
    #expect(message { $0.shapes = [("x", [1])] }.contains("another rank"))
    #expect(message { $0.shapes = [("x", [1, 5])] }.contains("MatMul"))
    #expect(message { $0.dtype = .int8 }.contains("float16, bfloat16 or float32"))
    #expect(message { ($0.dtype, $0.opset) = (.bfloat16, 9) }.contains("13 or later"))
  }

  // MARK: Parts

  @Test func aPartRunsOnItsOwn() throws {
    let model = try network()
    let part = try edited(model) { ($0.inputs, $0.outputs) = (["h"], ["r", "s"]) }
    #expect(part.graph.inputs.map { part.graph.name($0) } == ["h"])
    #expect(part.graph.nodes.map(\.type) == ["Add", "Relu"])
    #expect(part.graph.initializers.count == 1)
    let h = try SmallModels.ramp([2, 3])
    let results = try run(part, ["h": h])
    let want = try run(edited(model) { $0.outputs = ["r"] }, ["x": SmallModels.ramp([2, 4])])
    #expect(results.count == 2 && want.count == 1)
    #expect(results[0].shape == [2, 3])
    #expect(
      message { ($0.inputs, $0.outputs) = (["s"], ["h"]) }.contains("need more inputs"))
  }

  // MARK: Sizes

  @Test func sizesCloseAndOpen() throws {
    let fixed = try edited(network()) { $0.shapes = [("x", [5, 4])] }
    func dims(_ m: ModelGraph, _ ids: [ValueID]) -> [[Dim]?] {
      ids.map { m.graph.values[$0.index].fact.dims }
    }
    #expect(dims(fixed, fixed.graph.inputs) == [[5, 4]])
    #expect(dims(fixed, fixed.graph.outputs) == [[5, 3]])
    let open = try edited(fixed) { $0.shapes = [(nil, [.rows, 4])] }
    #expect(dims(open, open.graph.inputs) == [[.rows, 4]])
    #expect(dims(open, open.graph.outputs) == [[.rows, 3]])
    let x = try SmallModels.ramp([2, 4])
    let (a, b) = (try run(open, ["x": x]), try run(network(), ["x": x]))
    #expect(haveSameBits(.tensor(a[0]), .tensor(b[0])))
  }

  // MARK: Types

  @Test(arguments: [DType.float16, .bfloat16]) func halvesKeepTheirPorts(_ dtype: DType) throws {
    let half = try edited(network()) { $0.dtype = dtype }
    let ports = half.graph.inputs + half.graph.outputs
    #expect(ports.allSatisfy { half.graph.values[$0.index].fact.dtype == .float32 })
    #expect(half.graph.initializers.allSatisfy { $0.tensor.dtype == dtype })
    #expect(half.graph.nodes.map(\.type).filter { $0 == "Cast" }.count == 2)
    let x = try SmallModels.ramp([2, 4])
    let (a, b) = (try run(half, ["x": x]), try run(network(), ["x": x]))
    let why = difference(.tensor(a[0]), .tensor(b[0]), rtol: 0.05, atol: 0.02)
    #expect(why == nil, "\(why ?? "")")

    let whole = try edited(network()) { ($0.dtype, $0.convertsPorts) = (dtype, true) }
    let all = whole.graph.inputs + whole.graph.outputs
    #expect(all.allSatisfy { whole.graph.values[$0.index].fact.dtype == dtype })
    #expect(!whole.graph.nodes.contains { $0.type == "Cast" })

    let back = try edited(half) { $0.dtype = .float32 }
    #expect(back.graph.initializers.allSatisfy { $0.tensor.dtype == .float32 })
    let again = try run(back, ["x": x])
    #expect(difference(.tensor(again[0]), .tensor(b[0]), rtol: 0.05, atol: 0.02) == nil)
  }

  @Test func weightsBeyondTheTypeAreToldAndStayFinite() throws {
    var m = SmallModels()
    m.input("x", .float32, [2, 2])
    m.weight("mask", try Tensor(shape: [2, 2], [0, -3.4e38, .infinity, 1] as [Float]))
    m.node("Add", ["x", "mask"], ["y"])
    var model = try m.model(opset: 17, outputs: ["y"])
    var edits = ModelEdits()
    edits.dtype = .float16
    let notes = try edits.apply(to: &model)
    #expect(notes.contains { $0.contains("'mask' (1 elements") })
    let mask = try #require(model.graph.initializers.first?.tensor)
    #expect(Array(mask.elements(Float16.self)) == [0, -65504, .infinity, 1])
  }

  @Test func whatLacksTheTypeKeepsItsOwn() throws {
    var m = SmallModels()
    m.input("x", .float32, [1, 1, 2, 2])
    m.weight("scales", try Tensor([1, 1, 2, 2] as [Float]))
    m.weight("scale", try Tensor(scalar: Float(0.5)))
    m.weight("zero", try Tensor(scalar: UInt8(3)))
    m.node("Resize", ["x", "", "scales"], ["r"])
    m.node("QuantizeLinear", ["r", "scale", "zero"], ["q"])
    m.node("DequantizeLinear", ["q", "scale", "zero"], ["d"])
    m.node("Relu", ["d"], ["y"])
    let model = try m.model(opset: 13, outputs: ["y"])
    let half = try edited(model) { $0.dtype = .float16 }
    let types = Dictionary(
      uniqueKeysWithValues: half.graph.initializers.map {
        (half.graph.values[$0.id.index].name, $0.tensor.dtype)
      })
    #expect(types["scales"] == .float32 && types["scale"] == .float32)
    let x = try SmallModels.ramp([1, 1, 2, 2])
    let (a, b) = (try run(half, ["x": x]), try run(model, ["x": x]))
    #expect(difference(.tensor(a[0]), .tensor(b[0]), rtol: 1e-2, atol: 1e-2) == nil)
  }
}

extension Dim {
  fileprivate static let batch = Dim(symbol: "batch")
  fileprivate static let rows = Dim(symbol: "rows")
}
