import Graphs
import Tensors
import Testing

@testable import Formats

@Suite struct ModelRuleTests {
  @Test func versionsAreThere() {
    #expect(complaint(modelMessage()) == "accepted")
    #expect(complaint(modelMessage(ir: nil)) == "invalidModel: the file states no IR version")
    #expect(complaint([]) == "invalidModel: the file states no IR version")
    #expect(complaint(modelMessage(ir: 2)) == "unsupported: the IR version is not supported")
    #expect(complaint(modelMessage(ir: 15)) == "unsupported: the IR version is not supported")
    #expect(complaint(modelMessage(ir: .min)) == "unsupported: the IR version is not supported")
    #expect(complaint(modelMessage(opsets: [])) == "invalidModel: the model imports no opset")
    #expect(complaint(modelMessage(nil)) == "invalidModel: the model has no graph")
  }

  @Test func opsetsAreLegal() throws {
    #expect(complaint(modelMessage(opsets: [("", 1)])) == "accepted")
    #expect(complaint(modelMessage(opsets: [("", 28)])) == "accepted")
    #expect(
      complaint(modelMessage(opsets: [("", 29)])) == "unsupported: the model needs a newer opset")
    #expect(
      complaint(modelMessage(opsets: [("", 0)]))
        == "invalidModel: the opset version of ai.onnx is missing")
    #expect(
      complaint(modelMessage(opsets: [("", 21), ("m", 1 << 40)]))
        == "invalidModel: the opset version of domain 'm' is illegal")
    #expect(
      complaint(modelMessage(opsets: [("", 21), ("ai.onnx", 20)]))
        == "invalidModel: the opset of domain 'ai.onnx' is imported twice")
    // The same import again says nothing new: skl2onnx writes it.
    #expect(complaint(modelMessage(opsets: [("", 21), ("", 21)])) == "accepted")
    let model = try read(modelMessage(opsets: [("ai.onnx", 20)]))
    #expect(model.opset("") == 20 && model.opset("ai.onnx") == 20)
  }

  @Test func domainsAreImported() throws {
    let file = modelMessage(graphMessage(nodes: [nodeMessage(domain: "m")]))
    #expect(complaint(file) == "invalidModel: the opset of domain 'm' is not imported")
    let alias = modelMessage(graphMessage(nodes: [nodeMessage(domain: "ai.onnx")]))
    #expect(try read(alias).graph.nodes[0].domain == "")
  }

  @Test func functionsDoNotCallThemselves() {
    func model(_ functions: [Wire]) -> String { complaint(modelMessage(functions: functions)) }
    #expect(model([functionMessage("A", calls: ["B"]), functionMessage("B")]) == "accepted")
    #expect(
      model([functionMessage("A", calls: ["A"])])
        == "invalidModel: the function 'A' calls itself")
    #expect(
      model([
        functionMessage("A", calls: ["B"]), functionMessage("B", calls: ["C"]),
        functionMessage("C", calls: ["B"]),
      ]) == "invalidModel: the function 'B' calls itself")
    #expect(
      model([functionMessage("A"), functionMessage("A")])
        == "invalidModel: the function 'A' is defined twice")
    #expect(model([functionMessage("")]) == "invalidModel: a function has no name")
  }

  @Test func chainsOfFunctionsAreLimited() {
    func chain(_ n: Int) -> String {
      complaint(
        modelMessage(
          functions: (0..<n).map {
            functionMessage("F\($0)", calls: $0 + 1 < n ? ["F\($0 + 1)"] : [])
          }))
    }
    #expect(chain(100) == "accepted")
    #expect(chain(101).hasPrefix("budget: functions call each other too deeply"))
    var limits = ReadLimits()
    limits.maxFunctions = 1
    #expect(
      complaint(modelMessage(functions: [functionMessage("A"), functionMessage("B")]), limits)
        == "budget: too many functions")
  }

  @Test func bodiesOfFunctionsAreChecked() {
    let body = wire { w in
      w.text(1, "F")
      w.string(4, "x")
      w.string(5, "y")
      w.message(7, nodeMessage("Relu", ["w"], ["y"]))
      w.text(10, "local")
    }
    let file = modelMessage(
      graphMessage(initializers: [tensorMessage { $0.bytes(9, [UInt8](repeating: 0, count: 8)) }]),
      functions: [body])
    #expect(
      complaint(file)
        == "invalidModel: function 'F': input 0 ('w') is made by no node, input or initializer")
  }

  @Test func otherFormatsAreNamed() {
    func looksLike(_ bytes: [UInt8]) -> String { complaint(bytes) }
    let node = wire { n in
      n.string(1, "input")
      n.string(2, "Placeholder")
    }
    let graphDef = wire { g in g.message(1, node) }.joined()
    #expect(looksLike(graphDef) == "malformed: the file looks like a TensorFlow GraphDef")
    #expect(failure { try read(graphDef) }?.hint == "convert it with `dlrun convert`")
    let saved = wire { s in
      s.int(1, 1)
      s.message(2, wire { m in m.bytes(1, [UInt8](repeating: 0, count: 80)) })
    }.joined()
    #expect(looksLike(saved) == "malformed: the file looks like a TensorFlow SavedModel")
    #expect(
      looksLike([0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 30)).contains("zip archive"))
    #expect(looksLike([0x18, 0, 0, 0] + Array("TFL3".utf8)).contains("TensorFlow Lite"))
  }

  @Test func filesAreNamedInErrors() throws {
    #expect(
      failure { try ONNXReader.read(contentsOf: "/nonexistent/m.onnx") }?.code == .inputMissing)
    #expect(failure { try ONNXReader.read(contentsOf: "/tmp") }?.code == .inputMissing)
    try withFile([0xFF], ".onnx") { path in
      let error = failure { try ONNXReader.read(contentsOf: path) }
      #expect(error?.subject.file == path && error?.code == .malformed)
    }
    try withFile([], ".onnx") { path in
      #expect(failure { try ONNXReader.read(contentsOf: path) }?.code == .invalidModel)
    }
  }

  @Test func valuesOfAllKindsAreReadAndWritten() throws {
    let t = Value.tensor(try Tensor([1, 2, 3] as [Float]))
    let keys = try Tensor(shape: [2], strings: ["a", "b"])
    let values: [Value] = [
      t, .sequence([t, t]), .sequence([]), .optional(t), .optional(nil), .optional(.sequence([t])),
      .map(MapValue(keys: keys, values: .sequence([t, t]))),
    ]
    let types: [ValueType] = [
      .tensor(nil, nil), .sequence(nil), .sequence(nil), .optional(nil), .optional(nil),
      .optional(nil), .map(.string, nil),
    ]
    for (value, type) in zip(values, types) {
      let bytes = try TensorProtoFile.bytes(value, name: "v")
      let back = try TensorProtoFile.read(bytes: bytes, expecting: type)
      #expect(back.kind == value.kind)
      #expect(try TensorProtoFile.bytes(back, name: "v") == bytes)
    }
    let wrong = try Tensor([1, 2] as [Int32])
    #expect(
      failure {
        try TensorProtoFile.bytes(.map(MapValue(keys: wrong, values: .sequence([t, t]))))
      }?
      .code == .unsupported)
  }
}
