import Formats
import Glibc
import Graphs
import Tensors
import Testing
import Training

/// Real networks, imported: gradients against PyTorch's on the same graph, and the way back.
///
/// Needs `DLRUN_ZOO`, which `tools/oracle/export_zoo.py` fills, and `DLRUN_ZOO_GRADIENTS`, which
/// `tools/oracle/training/zoo_gradients.py` does: with `--double` in float64, where no sum lies within
/// rounding of a ReLU's kink.
@Suite(.serialized, .enabled(if: getenv("DLRUN_ZOO_GRADIENTS") != nil)) struct ImportedZooTests {
  static let names = [
    "tab_mlp", "gru", "lstm_tagger", "squeezenet1_1", "resnet18", "resnet50", "mobilenet_v2",
    "efficientnet_b0", "unet", "vit_tiny", "minilm", "gpt2_small",
  ]

  private func folder(_ variable: String) throws -> String {
    String(cString: try #require(getenv(variable)))
  }

  @Test(arguments: names) func gradientsEqualPyTorchs(_ name: String) throws {
    var wanted: [String: Tensor] = [:]
    let path = try "\(folder("DLRUN_ZOO_GRADIENTS"))/\(name).npz"
    for (key, t) in try NPZ.read(path) { wanted[key] = t }
    let double = try "\(folder("DLRUN_ZOO_GRADIENTS"))/\(name).onnx"
    let isDouble = access(double, R_OK) == 0
    let source = try ModelFile.read(
      contentsOf: isDouble ? double : "\(folder("DLRUN_ZOO"))/\(name).onnx")
    let tolerance = isDouble ? 1e-9 : 1e-4
    let model = try ImportedModel(source)
    let inputs = try model.inputNames.indices.map { try #require(wanted["in_\($0)"]) }
    let weight = try #require(wanted["weight"])
    // A rounding error that takes one sum over the kink of a ReLU shows in every layer before it.
    let (value, gradients) = try withExactKernels {
      try valueAndGradient(of: model) { m in
        try inTraining(false) { try (m(inputs)[0] * weight).mean() }
      }
    }
    let loss = try #require(wanted["loss"]?.asDouble(0))
    #expect(abs(try #require(value.asDouble(0)) - loss) <= 1e-4 * max(abs(loss), 1e-3))
    var (compared, worst) = (0, 0.0)
    for p in model.trainableParameters {
      guard let want = wanted["d:" + p.name.map { $0 == "/" ? "|" : "\($0)" }.joined()] else {
        continue
      }
      let got = try #require(gradients[p], "\(name): \(p.name) has no gradient")
      #expect(got.shape == want.shape)
      var (largest, difference) = (0.0, 0.0)
      for i in 0..<want.count {
        guard let a = got.asDouble(i), let b = want.asDouble(i) else { continue }
        largest = max(largest, abs(b))
        difference = abs(a - b) <= difference ? difference : abs(a - b)
      }
      let relative = difference / max(largest, 1e-30)
      worst = max(worst, relative)
      compared += 1
      #expect(
        relative <= tolerance || difference <= tolerance * 1e-5,
        "\(name): \(p.name): \(relative)")
    }
    #expect(compared > 0)
    print("\(name): \(compared) gradients, largest difference \(worst) of the largest element")
    try Optimizer(model, .torch.sgd(learningRate: 0)).update(gradients)
    #expect(try ONNXWriter.bytes(model.modelGraph()) == ONNXWriter.bytes(source))
  }
}

/// The networks without weights that the format's own tests run: each takes a training step, and
/// goes back unchanged at learning rate 0.
///
/// Needs `DLRUN_LIGHT`, which `tools/dump_onnx_suite.py SUITE --light DIR` fills.
@Suite(.serialized, .enabled(if: getenv("DLRUN_LIGHT") != nil)) struct ImportedLightTests {
  static let names = [
    "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet",
    "squeezenet", "vgg19", "zfnet512",
  ]

  @Test(arguments: names) func aStepIsTaken(_ name: String) throws {
    let folder = String(cString: try #require(getenv("DLRUN_LIGHT")))
    let source = try ModelFile.read(contentsOf: "\(folder)/light_\(name)/model.onnx")
    let model = try ImportedModel(source)
    let x = try TensorProtoFile.read("\(folder)/light_\(name)/test_data_set_0/input_0.pb")
      .asTensor()
    let (value, gradients) = try valueAndGradient(of: model) { m in
      try inTraining(true) {
        let y = try m([x])[0]
        let places = try Tensor((0..<y.count).map { Float($0 % 7) })
        return try (y.reshape([-1]) * places).sum()
      }
    }
    #expect(try #require(value.asDouble(0)).isFinite)
    var reached = 0
    for p in model.trainableParameters {
      guard let g = gradients[p] else { continue }
      #expect(g.shape == p.value.shape)
      // Weights are all alike, and some gradients so large that their squares are beyond float32.
      if let low = try g.min().asDouble(0), let high = try g.max().asDouble(0) {
        #expect(low.isFinite && high.isFinite, "\(name): \(p.name) in \(low)...\(high)")
        reached += 1
      }
    }
    #expect(reached > 10)
    print("\(name): \(reached) gradients of \(model.trainableParameters.count), value \(value)")
  }

  @Test(arguments: names) func theWayBackChangesNothing(_ name: String) throws {
    let folder = String(cString: try #require(getenv("DLRUN_LIGHT")))
    let source = try ModelFile.read(contentsOf: "\(folder)/light_\(name)/model.onnx")
    let model = try ImportedModel(source)
    let x = try TensorProtoFile.read("\(folder)/light_\(name)/test_data_set_0/input_0.pb")
      .asTensor()
    let (_, gradients) = try valueAndGradient(of: model) { m in
      try inTraining(false) { try m([x])[0].sum() }
    }
    try Optimizer(model, .torch.sgd(learningRate: 0)).update(gradients)
    #expect(try ONNXWriter.bytes(model.modelGraph()) == ONNXWriter.bytes(source))
  }
}
