import DLRun
import DLTrain
import Testing

/// Quantisation-aware training of layers with batch norms behind them, and of transposed convolutions.
@Suite struct QuantizationFoldingTests {
  private func images(_ n: Int) throws -> (Tensor, Tensor) {
    try withSeed(1) {
      let kinds = try Tensor((0..<n).map { Int64($0 % 2) })
      let side = try Tensor((0..<8).map { Float($0 < 4 ? 1 : -1) })
      let sign = try kinds.cast(to: .float32).reshape([n, 1, 1, 1]) * 2 - 1
      return (try Tensor.normal([n, 1, 8, 8]) + sign * side, kinds)
    }
  }

  private func prepare(_ m: Network) {
    m.compile(
      optimizer: .keras.adam(learningRate: 0.01),
      loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy], threads: 1)
  }

  /// The model's numbers are those of the file, with and without the compiler's integer kernels.
  private func checkExport(_ model: Network, _ x: Tensor, dequantised: Int) throws {
    let made = try exportedModel(model, inputs: [("x", x.slice(0, from: 0, to: 2))]) {
      [("y", try $0($1[0]))]
    }
    let kinds = made.graph.nodes.map(\.type)
    #expect(!kinds.contains("BatchNormalization"), "\(kinds)")
    #expect(kinds.count { $0 == "DequantizeLinear" } == dequantised, "\(kinds)")
    let want = try model.predict(x).numbers()
    let scale = want.map { abs($0) }.max() ?? 1
    for level in [OptimizationLevel.none, .all] {
      let session = try Session(made, options: SessionOptions(optimization: level))
      guard case .tensor(let got)? = try session.run(ordered: [.tensor(x)])[0] else {
        Issue.record("no result")
        return
      }
      for (a, b) in zip(try got.numbers(), want) { #expect(abs(a - b) <= 1e-5 * scale, "\(level)") }
    }
  }

  private func sequential() throws -> Network {
    try Sequential(input: [1, 8, 8]) {
      Conv2D(4, 3, padding: .same, useBias: false)
      BatchNormalization()
      ReLU()
      DepthwiseConv2D(3)
      BatchNormalization(center: false)
      Conv2DTranspose(3, 3, strides: 2, padding: .same)
      BatchNormalization(scale: false)
      ReLU()
      Flatten()
      Dense(8, useBias: false)
      BatchNormalization()
      ReLU()
      Dense(2)
    }
  }

  private func graph() throws -> Network {
    let input = Input(shape: [1, 8, 8])
    let a = try ReLU()(
      BatchNormalization()(Conv2D(4, 3, padding: .same, useBias: false)(input)))
    // Two read `a`, which is rounded once.
    let b = try Conv2D(4, 3, padding: .same)(a)
    let c = try BatchNormalization()(Conv2D(4, 3, padding: .same)(a)) + b
    return try Model(inputs: input, outputs: Dense(2)(Flatten()(ReLU()(c))))
  }

  @Test(arguments: [false, true]) func normsAreFolded(_ isGraph: Bool) throws {
    let (x, y) = try images(64)
    setSeed(1)
    let model = isGraph ? try graph() : try sequential()
    prepare(model)
    try model.fit(x, y, epochs: 4)
    let aware = try quantizationAware(model)
    #expect(aware.parameters.count == model.parameters.count)
    let folded = aware.modules.count { $0.module is QuantizationAwareNormalized }
    #expect(folded == (isGraph ? 2 : 4))
    prepare(aware)
    try aware.fit(x, y, epochs: 3)
    aware.freezeRanges()
    try aware.fit(x, y, epochs: 2)
    #expect(try #require(aware.evaluate(x, y)["accuracy"]) > 0.9)
    try checkExport(aware, x, dequantised: isGraph ? 7 : 10)
    // With frozen ranges a step's own pass is what is run later.
    let (seen, said) = (try inTraining { try aware(x) }, try aware(x))
    #expect(Array(seen.rawBytes) == Array(said.rawBytes))
  }

  /// Without rounding the folded layer is the two layers: with weights and inputs whose rounding is
  /// exact.
  @Test func foldingChangesNothing() throws {
    setSeed(1)
    let conv = Conv2D(2, 1, useBias: true)
    let norm = BatchNormalization(epsilon: 0)
    let both = try Sequential(input: [1, 2, 2]) {
      conv
      norm
    }
    conv.kernel.value = try Tensor([127, -64] as [Float]).reshape([2, 1, 1, 1])
    conv.bias?.value = try Tensor([3, 5] as [Float])
    norm.gamma?.value = try Tensor([2, 4] as [Float])
    norm.variance.value = try Tensor([4, 16] as [Float])
    norm.mean.value = try Tensor([1, -1] as [Float])
    let x = try Tensor([0, 255, 17, 200] as [Float]).reshape([1, 1, 2, 2])
    let want = try both(x).numbers()
    let aware = try quantizationAware(both)
    _ = try inTraining { try aware(x) }
    // Training moved the running moments: back to where they were.
    norm.variance.value = try Tensor([4, 16] as [Float])
    norm.mean.value = try Tensor([1, -1] as [Float])
    aware.freezeRanges()
    let got = try aware(x).numbers()
    for (a, b) in zip(got, want) {
      let bound: Double = 0.01 * abs(b) + 1e-3
      #expect(abs(a - b) <= bound)
    }
  }
}
