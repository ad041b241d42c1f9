import DLTrain
import Glibc
import Testing

/// What `fit` costs over the bare compiled loop, on the networks of `tools/bench_training.py`: over
/// batches that lie there ready, and over a loop that draws and gathers them as `fit` does. Prints
/// figures, asserts none: run in a release build, with `DLRUN_MEASURE=1` in the environment and
/// standard error on a terminal, so that the progress bar draws (`script -qc COMMAND /dev/null`).
///
/// Each round runs all three one after the other; the figures are medians of rounds, and the
/// quotients medians of the rounds' own quotients, whose parts met the same neighbours.
@Suite(.enabled(if: getenv("DLRUN_MEASURE") != nil), .serialized) struct FitCostTests {
  private static let threads = getenv("DLRUN_THREADS").flatMap { Int(String(cString: $0)) } ?? 1

  private func seconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  private func measure(
    _ name: String, _ model: Network, _ x: Tensor, _ y: Tensor, batchSize: Int, rounds: Int = 15
  ) throws {
    let rule = OptimizerRule.keras.adam()
    let loss = LossFunction.sparseCategoricalCrossEntropy(fromLogits: true)
    model.compile(optimizer: rule, loss: loss, metrics: [.accuracy], threads: Self.threads)
    let source = try ArraySource([x], [y], batchSize: batchSize, shuffle: true)
    var batches: [[Tensor]] = []
    try source.begin()
    while let b = try source.next() { batches.append(b.inputs + b.targets) }
    try model.fit(source, callbacks: [ProgressBar()])
    let step = try CompiledStep(
      model, Optimizer(model, rule), example: batches[0], threads: Self.threads
    ) { model, b in try loss(model(b[0]), b[1]) }
    var parts: [[Double]] = [[], [], []]
    for round in 0..<rounds {
      var taken = [0.0, 0.0, 0.0]
      // Each stands behind each other as often.
      for k in 0..<3 {
        let kind = (k + round) % 3
        let start = seconds()
        switch kind {
        case 0: for b in batches { try step(b) }
        case 1:
          try source.begin()
          while let b = try source.next() { try step(b.inputs + b.targets) }
        default: try model.fit(source, callbacks: [ProgressBar()])
        }
        taken[kind] = seconds() - start
      }
      for kind in 0..<3 { parts[kind].append(taken[kind]) }
    }
    func median(_ list: [Double]) -> Double { list.sorted()[list.count / 2] }
    func micro(_ kind: Int) -> String {
      "\((median(parts[kind]) / Double(batches.count) * 1e8).rounded() / 100)"
    }
    func percent(_ base: Int) -> String {
      "\(((median(zip(parts[2], parts[base]).map { $0 / $1 }) - 1) * 1000).rounded() / 10) %"
    }
    print(
      "\(name): \(micro(0)) us a step on batches that are there, \(micro(1)) on shuffled ones, fit "
        + "\(micro(2)): \(percent(0)) and \(percent(1)) more")
  }

  private func images(_ count: Int, _ sizes: [Int]) throws -> (Tensor, Tensor) {
    (try Tensor.normal([count] + sizes), try Tensor.randomIntegers([count], from: 0, to: 10))
  }

  @Test func perceptrons() throws {
    for (sizes, batch) in [
      ([32, 64, 64, 2], 32), ([32, 64, 64, 2], 256), ([784, 128, 10], 32), ([784, 128, 10], 128),
    ] {
      let model = try Sequential(input: [sizes[0]]) {
        for n in sizes.dropFirst().dropLast() { Dense(n, activation: .relu) }
        Dense(sizes[sizes.count - 1])
      }
      let x = try Tensor.normal([8192, sizes[0]])
      let y = try Tensor.randomIntegers([8192], from: 0, to: sizes[sizes.count - 1])
      let name = sizes.map { "\($0)" }.joined(separator: "-")
      try measure("\(name), batch \(batch)", model, x, y, batchSize: batch)
    }
  }

  @Test func convolutional() throws {
    let lenet = try Sequential(input: [1, 28, 28]) {
      Conv2D(6, 5, padding: .same, activation: .relu)
      MaxPooling2D()
      Conv2D(16, 5, activation: .relu)
      MaxPooling2D()
      Flatten()
      Dense(120, activation: .relu)
      Dense(84, activation: .relu)
      Dense(10)
    }
    var (x, y) = try images(2048, [1, 28, 28])
    try measure("LeNet-5, batch 64", lenet, x, y, batchSize: 64)
    let convnet = try Sequential(input: [1, 28, 28]) {
      Conv2D(32, 3, activation: .relu)
      MaxPooling2D()
      Conv2D(64, 3, activation: .relu)
      MaxPooling2D()
      Flatten()
      Dense(10)
    }
    try measure("MNIST convnet, batch 128", convnet, x, y, batchSize: 128, rounds: 9)
    let input = Input(shape: [3, 32, 32])
    func normed(_ h: Symbol, _ filters: Int, _ size: Int, _ stride: Int) throws -> Symbol {
      try BatchNormalization()(
        Conv2D(filters, [size], strides: [stride], padding: .same, useBias: false)(h))
    }
    var h = try Activation(.relu)(normed(input, 16, 3, 1))
    for (stage, filters) in [16, 32, 64].enumerated() {
      for block in 0..<3 {
        let stride = stage > 0 && block == 0 ? 2 : 1
        let inner = try Activation(.relu)(normed(h, filters, 3, stride))
        let short = stride == 1 ? h : try normed(h, filters, 1, stride)
        h = try Activation(.relu)(normed(inner, filters, 3, 1) + short)
      }
    }
    let resnet = try Model(inputs: input, outputs: Dense(10)(GlobalAveragePooling2D()(h)))
    (x, y) = try images(256, [3, 32, 32])
    try measure("ResNet-20, batch 32", resnet, x, y, batchSize: 32, rounds: 7)
  }

  @Test func sequences() throws {
    let (letters, steps) = (65, 64)
    let lstm = try Sequential(input: [steps]) {
      Embedding(letters, 64)
      LSTM(128, returnsSequences: true)
      Dense(letters)
    }
    let x = try Tensor.randomIntegers([512, steps], from: 0, to: letters)
    let y = try Tensor.randomIntegers([512, steps], from: 0, to: letters)
    try measure("character LSTM, batch 32", lstm, x, y, batchSize: 32)
    let places = try Tensor((0..<steps).map { Int64($0) })
    let tokens = Input(shape: [steps])
    let position = try Embedding(steps, 128)(Lambda { try places.broadcast(like: $0) }(tokens))
    var h = try Embedding(letters, 128)(tokens) + position
    for _ in 0..<4 {
      h = try TransformerEncoder(128, heads: 4, inner: 512, dropout: 0, isCausal: true)(h)
    }
    let gpt = try Model(inputs: tokens, outputs: Dense(letters)(h))
    try measure(
      "GPT, batch 12", gpt, x.rows(in: 0..<240), y.rows(in: 0..<240), batchSize: 12, rounds: 9)
  }

  @Test func trees() throws {
    let model = TreeRows()
    let x = try Tensor.randomIntegers([2048, TreeRows.width], from: 0, to: 500)
    let y = try Tensor.randomIntegers([2048], from: 0, to: 5)
    try measure("Tree-LSTM of tables, batch 16", model, x, y, batchSize: 16)
  }
}

/// A Tree-LSTM over complete binary trees of eight words, a row each: all nodes of one height are
/// computed together.
private final class TreeRows: Network {
  static let width = 8
  let words = Embedding(500, 64), leaf = Dense(3 * 64), node = Dense(5 * 64), head = Dense(5)

  override func forward(_ x: Tensor) throws -> Tensor {
    let e = try words(x)
    var g = try leaf(e).split(into: 3, axis: 2)
    var c = try g[0].sigmoid() * g[2].tanh()
    var h = try g[1].sigmoid() * c.tanh()
    var n = Self.width
    while n > 1 {
      n /= 2
      let (hs, cs) = (try h.reshape([-1, n, 128]), try c.reshape([-1, n, 2, 64]))
      let kept = try cs.split(into: 2, axis: 2).map { try $0.reshape([-1, n, 64]) }
      g = try node(hs).split(into: 5, axis: 2)
      c = try g[0].sigmoid() * g[2].tanh() + g[3].sigmoid() * kept[0] + g[4].sigmoid() * kept[1]
      h = try g[1].sigmoid() * c.tanh()
    }
    return try head(h.reshape([-1, 64]))
  }
}
