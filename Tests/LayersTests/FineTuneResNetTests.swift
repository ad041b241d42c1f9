import DLRun
import DLTrain
import Formats
import Glibc
import TestSupport
import Testing

/// A real ResNet-18 from a file learns other classes: its head is replaced, layers are frozen by
/// pattern, batch norms act as in training, and the result goes back to a file.
///
/// Needs `DLRUN_ZOO`, which `tools/oracle/export_zoo.py` fills (its batch norms are folded into the
/// convolutions), or `DLRUN_RESNET`, the file of `tools/oracle/training/resnet_with_norms.py`.
@Suite(.serialized) struct FineTuneResNetTests {
  private static func file(_ variable: String, _ rest: String = "") -> String? {
    getenv(variable).map { String(cString: $0) + rest }
  }

  /// Images of three colours under noise.
  private func colours(_ n: Int, _ side: Int) throws -> (Tensor, Tensor) {
    let kinds = try Tensor((0..<n).map { Int64($0 % 3) })
    let colour = try kinds.oneHot(3).cast(to: .float32).reshape([n, 3, 1, 1])
    return (try Tensor.normal([n, 3, side, side]) + colour, kinds)
  }

  /// Trains what is not frozen; the losses of all steps.
  private func train(_ model: ImportedModel, _ steps: Int, side: Int) throws -> [Double] {
    let optimizer = try Optimizer(model, .keras.adam(learningRate: 3e-3))
    return try (0..<steps).map { _ in
      let (x, y) = try colours(6, side)
      let (loss, gradients) = try valueAndGradient(of: model) {
        try Loss.crossEntropy($0([x])[0], y)
      }
      try optimizer.update(gradients)
      return try loss.scalar()
    }
  }

  private func check(_ model: ImportedModel, side: Int, steps: Int) throws {
    let (x, y) = try colours(6, side)
    #expect(try model([x])[0].shape == [6, 3])
    let still = model.parameters.filter { !$0.isTrainable }.map { ($0, $0.value) }
    let moving = model.trainableParameters.map { ($0, $0.value) }
    #expect(!moving.isEmpty && !still.isEmpty)
    let losses = try train(model, steps, side: side)
    print("losses \(losses)")
    let (first, last): (Double, Double) = (
      losses.prefix(3).reduce(0, +), losses.suffix(3).reduce(0, +)
    )
    #expect(last < 0.9 * first)
    for (p, before) in still {
      #expect(Array(p.value.rawBytes) == Array(before.rawBytes), "\(p.name)")
    }
    for (p, before) in moving {
      #expect(Array(p.value.rawBytes) != Array(before.rawBytes), "\(p.name)")
    }
    try inTemporaryFolder { folder in
      let tuned = folder + "/tuned.onnx"
      // Runs the file on three batch sizes and compares.
      try exportONNX(model, to: tuned, inputs: [("image", x)]) { [("scores", try $0([$1[0]])[0])] }
      guard
        case .tensor(let scores)? = try Session(ModelFile.read(contentsOf: tuned))
          .run(ordered: [.tensor(x)])[0]
      else {
        Issue.record("no scores")
        return
      }
      let right = try scores.argMax().isEqual(to: y).cast(to: .float32).mean().scalar()
      print("\(right) right, from the file")
    }
  }

  @Test(.enabled(if: file("DLRUN_ZOO") != nil)) func ofTheZoo() throws {
    let path = try #require(Self.file("DLRUN_ZOO", "/resnet18.onnx"))
    setSeed(1)
    let model = try ImportedModel(contentsOf: path)
    try model.replace("/fc/Gemm", with: Dense(3))
    #expect(model.freeze("onnx::*") == 40)
    try check(model, side: 224, steps: 10)
  }

  @Test(.enabled(if: file("DLRUN_RESNET") != nil)) func withBatchNorms() throws {
    let path = try #require(Self.file("DLRUN_RESNET"))
    let fresh = try ImportedModel(contentsOf: path)
    setSeed(1)
    let model = try ImportedModel(contentsOf: path)
    try model.replace("/fc/Gemm", with: Dense(3))
    for part in ["conv1.*", "bn1.*", "layer1.*", "layer2.*"] { model.freeze(part) }
    try check(model, side: 64, steps: 12)
    #expect(model.states.count == 40)
    // Running moments follow the batches.
    for (a, b) in zip(model.states, fresh.states) {
      #expect(Array(a.value.rawBytes) != Array(b.value.rawBytes), "\(a.name)")
    }
  }
}
