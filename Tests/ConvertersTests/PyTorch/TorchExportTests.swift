import Formats
import Graphs
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Converters

@Suite struct TorchExportTests {
  static let names = [
    "adaptive_avg_pool2d_uneven", "attention_causal", "binary_int_negative_floor", "cond", "conv2d",
    "create", "div_int_floor", "dynamic_view", "index_two", "layer_norm", "linear",
    "lstm_3", "max_dim", "old_layout", "promote_int_zero_dim", "split", "unary_rsqrt", "view",
    "while_loop",
    "writes_to_views",
  ]

  @Test(arguments: names) func resultsEqualThoseOfPyTorch(name: String) throws {
    let result = try Conversion.convert(path: "\(TorchFiles.folder)/\(name).pt2")
    #expect(result.kind == .torchExport)
    let session = try Session(result.model)
    var arrays: [String: Tensor] = [:]
    for (name, value) in try NPZ.read("\(TorchFiles.folder)/\(name).npz") { arrays[name] = value }
    var inputs: [String: Tensor] = [:]
    for (i, port) in session.inputs.enumerated() {
      let array = try #require(arrays["in_\(i)"])
      inputs[port.name] = array
    }
    let outputs = try session.run(values: inputs.mapValues { .tensor($0) }).values
    #expect(outputs.count == arrays.keys.count { $0.hasPrefix("out_") })
    for (i, output) in outputs.enumerated() {
      let wanted = try #require(arrays["out_\(i)"])
      let text = difference(
        try #require(output).asTensor(), wanted, rtol: 1e-5, atol: 1e-5)
      #expect(text == nil, "\(name) output \(i): \(text ?? "")")
    }
  }

  @Test func sizesThatTheExportLeftOpenStayOpen() throws {
    let path = "\(TorchFiles.folder)/dynamic_view.pt2"
    let model = try Conversion.convert(path: path).model
    let input = try #require(model.graph.inputs.first)
    #expect(model.graph.values[input.index].fact.dims?.first?.symbol != nil)
    var options = ConversionOptions()
    let name = model.graph.name(input)
    options.shapes = [name: [5, 3, 4]]
    let fixed = try Conversion.convert(path: path, options: options).model
    #expect(fixed.graph.values[fixed.graph.inputs[0].index].fact.tensorType?.shape == [5, 3, 4])
    options.shapes = [name: [5, 3, 9]]
    #expect(refusal { try Conversion.convert(path: path, options: options) }?.code == .usage)
    options.shapes = ["nobody": [1]]
    #expect(refusal { try Conversion.convert(path: path, options: options) }?.code == .usage)
  }

  @Test func atLeastTwoHundredOperatorsAreListed() {
    let names = TorchExport.operators.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count { $0.hasPrefix("aten.") } >= 200)
    #expect(Set(names) == Set(TorchOperators.byName.keys))
  }

  @Test func whatCannotBeConvertedIsListedInOneMessage() throws {
    let bytes = try TorchFiles.altered("split.pt2") {
      $0.replacing("aten.chunk.default", with: "aten.chunk.unheard")
        .replacing("aten.unbind.int", with: "custom.lookup.default")
    }
    let error = try #require(refusal { try TorchFiles.convert(bytes) })
    #expect(error.code == .unsupported)
    #expect("\(error)".contains("aten.chunk.unheard") && "\(error)".contains("custom.lookup"))
  }

  @Test func changedBuffersAndTrainingModeAreRefused() throws {
    let mutation = try TorchFiles.altered("linear.pt2") {
      $0.replacing("\"user_output\"", with: "\"buffer_mutation\"")
        .replacing(
          "\"output_specs\":[{\"buffer_mutation\":{",
          with:
            "\"output_specs\":[{\"buffer_mutation\":{\"buffer_name\":\"state\",")
    }
    let error = refusal { try TorchFiles.convert(mutation) }
    #expect(error?.code == .unsupported || error?.code == .malformed)
  }

  @Test func torchScriptAndOldFilesAreRefusedWithAdvice() throws {
    let script = refusal {
      try Conversion.convert(path: "\(TorchFiles.folder)/weights/script.pt")
    }
    #expect(script?.code == .unsupported)
    #expect(script?.hint?.contains("torch.export") == true)
    let weights = refusal {
      try Conversion.convert(path: "\(TorchFiles.folder)/weights/state.pt")
    }
    #expect(weights?.hint?.contains("--weights") == true)
    let legacy = refusal { try WeightFile.read("\(TorchFiles.folder)/weights/legacy.pt") }
    #expect(legacy?.code == .unsupported && legacy?.hint?.contains("torch.save") == true)
  }

  @Test func compiledCodeIsRefused() throws {
    let bytes = try TorchFiles.archive([
      ("m/archive_format", Array("pt2".utf8)), ("m/data/aotinductor/model/code.so", [1, 2, 3]),
    ])
    let error = refusal { try TorchFiles.convert(bytes) }
    #expect(error?.code == .unsupported && error?.message.contains("compiled code") == true)
  }

  @Test func programsNestedDeepAreRefused() throws {
    let deep = String(repeating: "[", count: 100_000)
    let bytes = try TorchFiles.archive([
      ("m/archive_format", Array("pt2".utf8)), ("m/models/model.json", Array(deep.utf8)),
    ])
    #expect(refusal { try TorchFiles.convert(bytes) }?.code == .budget)
  }

  @Test func wrongDescriptionsOfTensorsAreRefused() throws {
    // A weight that claims to reach beyond its record.
    let original = try TorchFiles.bytes("conv2d.pt2")
    #expect(throws: Never.self) { try TorchFiles.convert(original) }
    for (from, to) in [
      ("\"dtype\":7", "\"dtype\":99"), ("\"as_int\":2", "\"as_int\":-1"),
      ("aten.conv2d.default", "aten.conv3d.default"),
    ] {
      let bytes = try TorchFiles.altered("conv2d.pt2") { $0.replacing(from, with: to) }
      #expect(refusal { try TorchFiles.convert(bytes) } != nil, "\(from) as \(to)")
    }
  }

  @Test(arguments: ["conv2d", "cond", "lstm_3"])
  func cutAndFlippedFilesDoNotTrap(name: String) throws {
    let bytes = try TorchFiles.bytes("\(name).pt2")
    for length in stride(from: 0, to: bytes.count, by: 7) {
      #expect(refusal { try TorchFiles.convert(Array(bytes[..<length])) } != nil)
    }
    for place in stride(from: 0, to: bytes.count, by: 5) {
      var copy = bytes
      copy[place] ^= 1 << UInt8(place % 8)
      _ = try? TorchFiles.convert(copy)
    }
  }

  /// Flips within the program's text, which the checksum would otherwise catch.
  @Test(arguments: ["conv2d", "index_two", "dynamic_view"])
  func alteredProgramsDoNotTrap(name: String) throws {
    let text = Array(
      try TorchFiles.altered("\(name).pt2") { $0 }.withUnsafeBytes { buffer in
        let zip = try ZipArchive(buffer, limits: TensorLimits())
        let i = try #require(zip.entries.firstIndex { $0.name.contains("/models/") })
        return Array(try #require(zip.storedBytes(i)))
      })
    for place in stride(from: 3, to: text.count, by: 11) {
      var copy = text
      copy[place] ^= 1 << UInt8(place % 7)
      let changed = copy
      let bytes = try TorchFiles.altered("\(name).pt2") { _ in
        String(decoding: changed, as: UTF8.self)
      }
      _ = try? TorchFiles.convert(bytes)
    }
  }
}
