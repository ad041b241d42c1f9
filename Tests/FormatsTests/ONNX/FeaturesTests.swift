import Graphs
import Tensors
import Testing

@testable import Formats

extension Features {
  /// The model itself.
  static func bytes() throws -> [UInt8] {
    let file = try gzip.withUnsafeBytes { try Gzip.inflate($0, limit: 1 << 20) }
    return Array(file.bytes)
  }
}

/// A model that uses every part of the format, read, written and read again.
@Suite struct FeaturesTests {
  let model: ModelGraph
  init() throws { model = try ONNXReader.read(bytes: Features.gzip, name: "features.onnx.gz") }

  func value(_ name: String) throws -> Graph.ValueInfo {
    try #require(model.graph.values.first { $0.name == name })
  }
  func tensor(_ name: String) throws -> Tensor {
    try #require(
      model.graph.initializers.first { model.graph.values[$0.id.index].name == name }?.tensor)
  }

  @Test func writingAndReadingKeepsEverything() throws {
    let once = try ONNXWriter.bytes(model)
    let again = try read(once)
    #expect(try ONNXWriter.bytes(again) == once)
    // Only typed fields became raw data, and the nodes came into order.
    #expect(again.graph.nodes.map(\.type) == ["If", "Double", "Everything"])
    #expect(again.graph.initializers.count == model.graph.initializers.count)
    for (a, b) in zip(again.graph.initializers, model.graph.initializers) {
      #expect(a.tensor.type == b.tensor.type)
      #expect(a.tensor.rawBytes.elementsEqual(b.tensor.rawBytes))
      #expect(a.tensor.strings == b.tensor.strings)
    }
  }

  /// Fields of the future and what else nothing here reads, wherever they stand.
  @Test(arguments: [
    "in a type", "in a tensor type", "in a shape", "in a size", "in an entry", "ELEMENT",
    "in a map type", "in a map's value type", "in a sparse tensor", "of sparse values",
    "in sparse indices", "in a type attribute", "in an opset import", "in a function's import",
    "in a node",
  ]) func whatIsNotReadIsKept(_ marker: String) throws {
    func count(_ bytes: [UInt8]) -> Int {
      let m = Array(marker.utf8)
      return bytes.indices.dropLast(m.count).filter {
        bytes[$0] == m[0] && bytes[$0..<$0 + m.count].elementsEqual(m)
      }.count
    }
    let before = try count(Features.bytes())
    #expect(before > 0)
    #expect(try count(ONNXWriter.bytes(model)) == before)
  }

  @Test func aChangedTypeIsWrittenAnew() throws {
    var changed = model
    let x = try #require(changed.graph.values.firstIndex { $0.name == "x" })
    changed.graph.values[x].fact.type = .tensor(.float64, [2])
    let back = try read(try ONNXWriter.bytes(changed))
    #expect(back.graph.values.first { $0.name == "x" }?.fact.type == .tensor(.float64, [2]))
  }

  @Test func theModelSaysWhatItSaid() {
    #expect(model.irVersion == 13)
    #expect(model.producerName == "features" && model.producerVersion == "1")
    #expect(model.domain == "example.org" && model.modelVersion == 42 && model.doc == "a model")
    #expect(model.opset("") == 21 && model.opset("local") == 1 && model.opset("absent") == nil)
    #expect(model.metadata("license") == "none")
    #expect(model.trainingInfo.count == 1 && model.configurations.count == 1)
    #expect(Array(model.unknownFields.suffix(3)) == Array("new".utf8))
    #expect(model.graph.metadata == [Graph.Metadata("layout", "NCHW")])
    #expect(model.graph.doc == "a graph")
  }

  @Test func everyElementTypeIsRead() throws {
    let types = Set(model.graph.initializers.map(\.tensor.dtype))
    // The 6-bit floats are younger than the fixture's opset.
    #expect(types == Set(DType.allCases).subtracting([.float6e2m3, .float6e3m2]))
    #expect(try tensor("i64").values(as: Int64.self) == [.min, .max])
    #expect(try tensor("u64").values(as: UInt64.self) == [0, .max])
    #expect(try tensor("i8").values(as: Int8.self) == [-128, 127])
    #expect(try tensor("f16").values(as: Float16.self) == [1, -0.5])
    #expect(try tensor("bf16").elements(BFloat16.self).map(\.float) == [1, -0.5])
    #expect(try tensor("b").values(as: Bool.self) == [true, false, true])
    #expect(try tensor("s").strings == ["ein", "zwölf"])
    #expect(Array(try tensor("u4").rawBytes) == [0xF1, 0x08])
    #expect(Array(try tensor("i2").rawBytes) == [0b01_00_11_10, 0b10])
    #expect(try tensor("large").floats == (0..<1500).map { Float($0) })
    #expect(try tensor("empty").shape == [0, 4])
    #expect(try tensor("scalar").shape == [])
    #expect(try tensor("f32").floats[1].isNaN)
    #expect(try tensor("c64").count == 2 && tensor("c64").byteCount == 16)
  }

  @Test func typesAndDenotationsAreRead() throws {
    let x = try value("x")
    #expect(x.fact.type == .tensor(.float32, [Dim(symbol: "batch"), 3]))
    #expect(x.denotations == ["DATA_BATCH", ""] && x.typeDenotation == "IMAGE")
    #expect(x.doc == "the input" && x.metadata.first?.key == "unit")
    #expect(try value("anyrank").fact.type == .tensor(.float32, nil))
    #expect(try value("unknown").fact.dims?[0].known == nil)
    #expect(try value("seq").fact.type == .sequence(.tensor(.float32, nil)))
    #expect(try value("opt").fact.type == .optional(.tensor(.float32, [1])))
    #expect(try value("map").fact.type == .map(.string, .tensor(.int64, [2])))
    #expect(try value("sp").fact.type == .sparseTensor(.float32, [4, 4]))
    #expect(try value("sum").doc == "a sum")
    // An input with a default is no constant.
    #expect(try value("raw").fact.constant == nil && value("f32").fact.constant != nil)
  }

  @Test func subgraphsNameWhatTheyCapture() throws {
    let node = try #require(model.graph.nodes.first { $0.type == "If" })
    let then = try #require(node.subgraphs.first { $0.name == "then" })
    #expect(then.captures.map { then.name($0) } == ["x", "cond"])
    // The else branch comes first in the file.
    #expect(node.captured.map { model.graph.name($0) } == ["x", "x", "cond"])
    let inner = try #require(then.nodes.last)
    #expect(inner.captured.map { then.name($0) } == ["x", "x"])
    #expect(inner.subgraphs[0].captures.map { inner.subgraphs[0].name($0) } == ["x"])
  }

  @Test func attributesOfAllKindsAreRead() throws {
    let node = try #require(model.graph.nodes.first { $0.type == "Everything" })
    let kinds = node.attributes.map { a in String("\(a.payload)".prefix { $0 != "(" }) }
    #expect(
      Set(kinds) == [
        "int", "ints", "float", "floats", "string", "strings", "tensor", "tensors", "graphs",
        "sparse", "sparses", "type", "types",
      ])
    #expect(node.overload == "v2" && node.metadata == [Graph.Metadata("source", "line 1")])
    #expect(node.inputs.map { $0 == nil } == [false, true, false])
    #expect(node.outputs.map { $0 == nil } == [false, true, false])
    #expect(!node.unknownFields.isEmpty, "device configurations are carried along")
  }

  @Test func functionsAreRead() throws {
    let f = try #require(model.functions.first)
    #expect(f.name == "Double" && f.domain == "local" && f.doc == "v times factor")
    #expect(f.attributeNames == ["factor"] && f.defaults.map(\.name) == ["bias"])
    #expect(f.opsets == ["": 21])
    #expect(f.body.nodes.map(\.type) == ["Constant", "Mul"])
    guard case .reference("factor", typeCode: 1)? = f.body.nodes[0].attributes.first?.payload else {
      Issue.record("the attribute refers to the function's")
      return
    }
  }

  @Test func theDigestFindsAChange() throws {
    var stamped = model
    try ModelDigest.stamp(&stamped)
    let back = try read(try ONNXWriter.bytes(stamped))
    #expect(try ModelDigest.verify(back))
    var changed = back
    changed.graph.doc += "!"
    #expect(failure { try ModelDigest.verify(changed) }?.code == .malformed)
    #expect(try !ModelDigest.verify(model))
  }

  @Test func unnamedAndClashingValuesGetNames() throws {
    var inner = Graph()
    let capture = inner.addValue("", Fact(.float32, nil))
    inner.captures = [capture]
    // Named like the captured value outside, yet another value.
    let local = inner.addValue("x", Fact(.float32, nil))
    inner.nodes = [Graph.Node(type: "Neg", inputs: [capture], outputs: [local])]
    inner.outputs = [local]
    var graph = Graph()
    let x = graph.addInput("x", Fact(.float32, [2]))
    let y = graph.addValue("", Fact(.float32, [2]))
    var node = Graph.Node(
      type: "If", attributes: [.graph("then_branch", inner)], inputs: [x], outputs: [y])
    node.captured = [x]
    graph.nodes = [node]
    graph.outputs = [y]
    var m = ModelGraph(graph)
    m.opsets = [("", 21)]
    let back = try read(try ONNXWriter.bytes(m))
    let branch = back.graph.nodes[0].subgraphs[0]
    #expect(branch.name(branch.captures[0]) == "x")
    #expect(branch.name(branch.outputs[0]) == "v2")
    #expect(back.graph.name(back.graph.outputs[0]) == "v1")
    #expect(back.graph.nodes[0].captured == [back.graph.inputs[0]])
  }
}
