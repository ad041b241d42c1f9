import DLTrain
import Glibc
import Testing

/// What `fit` costs over the bare compiled loop: one over batches that lie there, and one that
/// draws and gathers them as `fit` does. Prints figures, asserts none: run in a release
/// build, with `DLRUN_MEASURE=1` in the environment.
@Suite(.enabled(if: getenv("DLRUN_MEASURE") != nil), .serialized) struct FitCostTests {
  private func seconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  private func measure(
    _ name: String, _ model: Sequential, _ x: Tensor, _ y: Tensor, batchSize: Int, epochs: Int
  ) throws {
    let rule = OptimizerRule.keras.adam()
    let loss = LossFunction.sparseCategoricalCrossEntropy(fromLogits: true)
    model.compile(optimizer: rule, loss: loss, metrics: [.accuracy], threads: 1)
    let source = try ArraySource([x], [y], batchSize: batchSize, shuffle: true)
    var batches: [[Tensor]] = []
    try source.begin()
    while let b = try source.next() { batches.append(b.inputs + b.targets) }
    let step = try CompiledStep(
      model, Optimizer(model, rule), example: batches[0], threads: 1
    ) { model, b in try loss(model(b[0]), b[1]) }
    var (bare, drawn, fitted) = (Double.infinity, Double.infinity, Double.infinity)
    for _ in 0..<7 {
      let a = seconds()
      for _ in 0..<epochs { for b in batches { try step(b) } }
      let b = seconds()
      try model.fit(source, epochs: epochs, callbacks: [ProgressBar()])
      let c = seconds()
      for _ in 0..<epochs {
        try source.begin()
        while let b = try source.next() { try step(b.inputs + b.targets) }
      }
      let d = seconds()
      bare = min(bare, b - a)
      fitted = min(fitted, c - b)
      drawn = min(drawn, d - c)
    }
    let count = Double(epochs * batches.count) / 1e6
    func percent(_ base: Double) -> Double { ((fitted / base - 1) * 1000).rounded() / 10 }
    print(
      "\(name): \(bare / count) us a step on batches that are there, \(drawn / count) on shuffled "
        + "ones, fit \(fitted / count): \(percent(bare)) % and \(percent(drawn)) % more")
  }

  @Test func perceptrons() throws {
    for (inputs, hidden, outputs, batch) in [
      (32, 64, 2, 32), (784, 128, 10, 32), (784, 128, 10, 128),
    ] {
      let model = try Sequential(input: [inputs]) {
        Dense(hidden, activation: .relu)
        Dense(hidden, activation: .relu)
        Dense(outputs)
      }
      let x = try Tensor.normal([4096, inputs])
      let y = try Tensor.randomIntegers([4096], from: 0, to: outputs)
      try measure(
        "\(inputs)-\(hidden)-\(hidden)-\(outputs), batch \(batch)", model, x, y, batchSize: batch,
        epochs: 4)
    }
  }

  @Test func convolutional() throws {
    let model = try Sequential(input: [1, 28, 28]) {
      Conv2D(6, 5, padding: .same, activation: .relu)
      MaxPooling2D()
      Conv2D(16, 5, activation: .relu)
      MaxPooling2D()
      Flatten()
      Dense(120, activation: .relu)
      Dense(84, activation: .relu)
      Dense(10)
    }
    let x = try Tensor.normal([1024, 1, 28, 28])
    let y = try Tensor.randomIntegers([1024], from: 0, to: 10)
    try measure("LeNet, batch 64", model, x, y, batchSize: 64, epochs: 1)
  }
}
