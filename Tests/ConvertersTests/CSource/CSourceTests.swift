import Converters
import Formats
import Foundation
import Graphs
import Operators
import Runtime
import TestSupport
import Tensors
import Testing

/// C source beside the runtime. Without a C compiler nothing is compared.
@Suite struct CSourceTests {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Numbers of both signs without a pattern, the same in every run.
  private func numbers(_ type: TensorType, seed: Int = 1) throws -> Tensor {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % 2001 - 1000
    }
    switch type.dtype {
    case .int64:
      return try Tensor(shape: type.shape, (0..<type.count).map { _ in Int64(abs(next()) % 3) })
    case .int32:
      return try Tensor(shape: type.shape, (0..<type.count).map { _ in Int32(abs(next()) % 3) })
    case .uint8:
      return try Tensor(shape: type.shape, (0..<type.count).map { _ in UInt8(abs(next()) % 256) })
    case .int8:
      return try Tensor(shape: type.shape, (0..<type.count).map { _ in Int8(next() % 128) })
    case .bool:
      return try Tensor(shape: type.shape, (0..<type.count).map { _ in next() > 0 })
    default:
      return try Tensor(shape: type.shape, (0..<type.count).map { _ in Float(next()) / 500 })
    }
  }

  private func compare(_ model: ModelGraph, _ inputs: [Tensor], steps: Double? = nil) throws {
    guard let compiler = CCompiler.found else { return }
    let made = try compiler.run([.init(model: model, inputs: inputs)])[0]
    try compare(made, model, inputs, steps: steps)
  }

  private func compare(
    _ made: [Tensor], _ model: ModelGraph, _ inputs: [Tensor], steps: Double?, _ name: String = ""
  ) throws {
    let session = try Session(model, options: .init(threads: 1, optimization: .none))
    var values: [String: Tensor] = [:]
    for (port, tensor) in zip(session.inputs, inputs) { values[port.name] = tensor }
    let wanted = try session.run(values)
    for i in 0..<wanted.count {
      let want = try #require(wanted[i])
      if let steps, want.dtype == .int8 || want.dtype == .uint8 {
        // Integers are compared by steps; `difference` compares their bytes.
        #expect(made[i].type == want.type, "\(name)")
        let isNear = (0..<want.count).allSatisfy { k in
          abs((made[i].asDouble(k) ?? .nan) - (want.asDouble(k) ?? .nan)) <= steps
        }
        #expect(isNear, "\(name), output \(i)")
        continue
      }
      let why = difference(
        .tensor(made[i]), .tensor(want), rtol: steps == nil ? 1e-5 : 0, atol: steps ?? 1e-5)
      #expect(why == nil, "\(name), output \(i): \(why ?? "")")
    }
  }

  @Test(arguments: ["iris.pb", "digits.onnx"])
  func modelsOfTheRepositoryCompileAndAgree(_ name: String) throws {
    var model = try ONNXReader.read(
      contentsOf: Self.root.appendingPathComponent("Models/\(name)").path)
    var edits = ModelEdits()
    for id in model.graph.inputs {
      let value = model.graph.values[id.index]
      let dims = try #require(value.fact.dims)
      edits.shapes.append((value.name, dims.map { $0.known == nil ? 2 : $0 }))
    }
    _ = try edits.apply(to: &model)
    let inputs = try model.graph.inputs.map { id in
      try numbers(try #require(model.graph.values[id.index].fact.tensorType))
    }
    try compare(model, inputs)
  }

  /// A convolution, a product and a pooling between pairs of QuantizeLinear and DequantizeLinear.
  @Test func quantisedPairsBecomeIntegerCode() throws {
    var m = SmallModels()
    m.input("x", .float32, [2, 2, 6, 6])
    func scalar(_ name: String, _ value: Float) throws { m.weight(name, try Tensor(scalar: value)) }
    for (name, value) in [("sx", 0.03), ("sb", 0.0003), ("sc", 0.05), ("sy", 0.2)] {
      try scalar(name, Float(value))
    }
    m.weight("zx", try Tensor(scalar: UInt8(120)))
    m.weight("zc", try Tensor(scalar: UInt8(0)))
    m.weight("zw", try Tensor([0, 0, 0] as [Int8]))
    m.weight("sw", try Tensor([0.01, 0.02, 0.015] as [Float]))
    m.weight("w", try numbers(TensorType(.int8, [3, 2, 3, 3])))
    m.weight("b", try Tensor([0.5, -0.25, 1] as [Float]))
    m.weight("v", try numbers(TensorType(.int8, [27, 5]), seed: 3))
    m.weight("sv", try Tensor(scalar: Float(0.01)))
    m.weight("zv", try Tensor(scalar: Int8(0)))
    m.weight("c", try SmallModels.ramp([5]))
    m.node("QuantizeLinear", ["x", "sx", "zx"], ["qx"])
    m.node("DequantizeLinear", ["qx", "sx", "zx"], ["dx"])
    m.node("DequantizeLinear", ["w", "sw", "zw"], ["dw"], [.int("axis", 0)])
    m.node("Conv", ["dx", "dw", "b"], ["conv"], [.ints("pads", [1, 1, 1, 1])])
    m.node("Relu", ["conv"], ["relu"])
    m.node("QuantizeLinear", ["relu", "sc", "zc"], ["qc"])
    m.node("DequantizeLinear", ["qc", "sc", "zc"], ["dc"])
    m.node(
      "MaxPool", ["dc"], ["pool"], [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])])
    m.node("QuantizeLinear", ["pool", "sc", "zc"], ["qp"])
    m.node("DequantizeLinear", ["qp", "sc", "zc"], ["dp"])
    m.node("Flatten", ["dp"], ["flat"])
    m.node("QuantizeLinear", ["flat", "sc", "zc"], ["qf"])
    m.node("DequantizeLinear", ["qf", "sc", "zc"], ["df"])
    m.node("DequantizeLinear", ["v", "sv", "zv"], ["dv"])
    m.node("Gemm", ["df", "dv", "c"], ["gemm"])
    m.node("QuantizeLinear", ["gemm", "sy", "zx"], ["y"])
    let model = try m.model(opset: 17, outputs: ["y"])
    try compare(model, [SmallModels.ramp([2, 2, 6, 6])], steps: 1)
    let text = String(
      decoding: try CSource.files(model, name: "net").source, as: UTF8.self)
    #expect(text.components(separatedBy: "static void net_").count == 5)
    #expect(text.contains("_qlinearconv(") && !text.contains("dequantizelinear"))
    // Floats are where the input is quantised, and nowhere else.
    #expect(text.components(separatedBy: "float").count < 12)
  }

  @Test func stringsAreRefusedInOneMessage() throws {
    let model = try ONNXReader.read(
      contentsOf: Self.root.appendingPathComponent("Models/homes.onnx").path)
    #expect(throws: EngineError.self) { try CSource.files(model, name: "homes") }
  }

  /// Each case of each operator's schema that C source is written of, as a model of one node.
  @Test func everyOperatorAgrees() throws {
    guard let compiler = CCompiler.found else { return }
    var cases: [CCompiler.Case] = []
    var names: [String] = []
    for name in CSource.operators.map(\.name) {
      guard let type = Registry.find(domain: "", name: name) else { continue }
      var written = 0
      for test in try type.schema.cases() {
        guard let model = try model(of: test, type.schema) else { continue }
        // What is not written of an operator is said in time; some case of it must be.
        guard (try? CSource.files(model, name: "net")) != nil else { continue }
        let inputs = test.inputs.compactMap { $0 }.prefix(model.graph.inputs.count)
        cases.append(.init(model: model, inputs: Array(inputs)))
        names.append(name)
        written += 1
      }
      #expect(written > 0, "no case of \(name) is written")
    }
    let made = try compiler.run(cases)
    for (i, one) in cases.enumerated() {
      let isNarrow = made[i].contains { [.int8, .uint8].contains($0.dtype) }
      try compare(made[i], one.model, one.inputs, steps: isNarrow ? 1 : nil, names[i])
    }
  }

  /// Input 0 is given, what follows is constant: what decides sizes must be.
  private func model(of test: Schema.Case, _ schema: Schema) throws -> ModelGraph? {
    guard type(of: test.op).schema.isDeterministic || schema.name == "Dropout" else { return nil }
    var g = Graph()
    var ids: [ValueID?] = []
    for (i, input) in test.inputs.enumerated() {
      guard let input else {
        ids.append(nil)
        continue
      }
      ids.append(
        i == 0 ? g.addInput("x", Fact(input.type)) : g.addInitializer("c\(i)", input))
    }
    let outputs = (0..<test.outputCount).map { g.addValue("y\($0)", Fact(nil, nil)) }
    var node = Graph.Node(
      type: schema.name, attributes: test.op.attributes, inputs: ids, outputs: outputs)
    node.op = test.op
    g.nodes = [node]
    g.outputs = outputs
    var model = ModelGraph(g)
    let newest = schema.newestOpset(
      knowing: test.op.attributes, inputs: ids.count, outputs: outputs.count, newest: 24)
    model.opsets = [("", newest ?? 24)]
    let lookup = OperatorSet.builtIn.lookup(opsets: model.opsets)
    try model.inferFacts(using: lookup)
    return model
  }
}
