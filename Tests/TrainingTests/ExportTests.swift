import Formats
import Foundation
import Runtime
import Tensors
import Testing
import Training

private final class Dense: Layer {
  let weight: Parameter
  let bias: Parameter
  init(_ inputs: Int, _ outputs: Int) throws {
    weight = Parameter(try .glorotUniform([inputs, outputs]))
    bias = Parameter(try .uniform([outputs]))
  }
  override func forward(_ x: Tensor) throws -> Tensor { try x.linear(weight.value, bias.value) }
}

private final class Net: Module {
  let hidden: Dense
  let out: Dense
  init() throws { (hidden, out) = try withSeed(3) { (try Dense(4, 8), try Dense(8, 3)) } }
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    try out(hidden(x).relu().dropout(0.5)).softmax()
  }
}

/// Models leave as ONNX files that compute the same.
@Suite struct ExportTests {
  private let path = FileManager.default.temporaryDirectory.appending(
    path: "dlrun-\(ProcessInfo.processInfo.processIdentifier)-\(UUID()).onnx"
  ).path

  @Test func roundTrip() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let net = try Net()
    let x = try withSeed(1) { try Tensor.normal([5, 4]) }
    try exportONNX(net, to: path, inputs: [("x", x)]) { net, inputs in
      [("y", try net(inputs[0]))]
    }
    let model = try ONNXReader.read(contentsOf: path)
    #expect(model.graph.inputs.map { model.graph.name($0) } == ["x"])
    #expect(model.graph.outputs.map { model.graph.name($0) } == ["y"])
    #expect(model.graph.nodes.count <= 4, "one Gemm a layer, and no litter")
    #expect(
      Set(model.graph.initializers.map { model.graph.name($0.id) }).isSuperset(
        of: ["hidden.weight", "out.bias"]))
    #expect(model.graph.nodes.contains { $0.name == "hidden/Gemm" })
    let session = try Session(model)
    for rows in [1, 9] {
      let data = try withSeed(2) { try Tensor.normal([rows, 4]) }
      let got = try #require(try session.run(["x": data])["y"])
      let wanted = try net(data)
      for (a, b) in zip(try got.numbers(), try wanted.numbers()) { #expect(abs(a - b) < 1e-6) }
    }
    // Nothing of the capture stays with the model.
    #expect(net.parameters.allSatisfy { !$0.value.isTracked })
  }

  /// onnxruntime wants to be told how many units a recurrent layer has.
  @Test func recurrentLayersStateTheirUnits() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let net = Module()
    let (w, r) = try withSeed(4) {
      (try Tensor.normal([1, 12, 4]), try Tensor.normal([1, 12, 3]))
    }
    let x = try withSeed(1) { try Tensor.normal([2, 6, 4]) }
    try exportONNX(net, to: path, inputs: [("x", x)]) { _, inputs in
      [("y", try inputs[0].lstm(w, r, nil).steps)]
    }
    let node = try #require(
      try ONNXReader.read(contentsOf: path).graph.nodes.first { $0.type == "LSTM" })
    #expect(node.attributes.contains { $0.name == "hidden_size" })
  }

  /// A file is written only when it is right.
  @Test func refusals() throws {
    let net = try Net()
    let x = try Tensor.ones([5, 4])
    let branch = #expect(throws: EngineError.self) {
      try exportONNX(net, to: path, inputs: [("x", x)]) { net, inputs in
        let y = try net(inputs[0])
        return [("y", try y.max().isTrue() ? y : -y)]
      }
    }
    #expect(branch?.code == .usage)
    let size = #expect(throws: EngineError.self) {
      try exportONNX(net, to: path, inputs: [("x", x)]) { net, inputs in
        [("y", try net(inputs[0]) * Double(inputs[0].shape[0]))]
      }
    }
    #expect(size?.code == .usage)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
