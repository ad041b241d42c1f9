import DLTrain
import Glibc
import Testing

/// What `fit` costs over the bare compiled loop of the same step, on the networks of
/// `tools/bench_training.py`: both on batches that lie there ready, as that benchmark has them, and
/// both on shuffled ones that are drawn and gathered, without a metric and with accuracy in both.
/// Prints figures, asserts none: run in a release build, with `DLRUN_MEASURE=1` in the environment
/// and standard error on a terminal, so that the progress bar draws (`script -qc COMMAND /dev/null`).
///
/// Each round runs all loops one after the other; the figures are medians of rounds, and the
/// quotients medians of the rounds' own quotients, whose parts met the same neighbours.
@Suite(.enabled(if: getenv("DLRUN_MEASURE") != nil), .serialized) struct FitCostTests {
  private static let threads = getenv("DLRUN_THREADS").flatMap { Int(String(cString: $0)) } ?? 1

  private func seconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  /// What one model's loops take, each as a closure that runs an epoch.
  ///
  /// - `fitsFirst`: whether `fit` makes its graph and memory before the bare loop does: where memory
  ///   comes to lie moves either by some percent, so both orders count.
  private func loops(
    _ x: Tensor, _ y: Tensor, batchSize: Int, hasMetric: Bool, fitsFirst: Bool,
    _ make: () throws -> Network
  ) throws -> (steps: Int, runs: [() throws -> Void]) {
    let rule = OptimizerRule.keras.adam()
    let loss = LossFunction.sparseCategoricalCrossEntropy(fromLogits: true)
    let model = try make()
    model.compile(
      optimizer: rule, loss: loss, metrics: hasMetric ? [.accuracy] : [], threads: Self.threads)
    let source = try ArraySource([x], [y], batchSize: batchSize, shuffle: true)
    var batches: [Batch] = []
    try source.begin()
    while let b = try source.next() { batches.append(b) }
    let ready = ReadyBatches(batches)
    if fitsFirst { try model.fit(source, callbacks: [ProgressBar()]) }
    let step = try CompiledStep(
      model, Optimizer(model, rule), example: batches[0].inputs + batches[0].targets,
      threads: Self.threads,
      withResults: { model, b in
        let logits = try model(b[0])
        let value = try loss(logits, b[1])
        guard hasMetric else { return (value, []) }
        return (value, [try logits.argMax(axis: -1).isEqual(to: b[1]).cast(to: .float32).mean()])
      })
    for b in batches.prefix(2) { try step(b.inputs + b.targets) }
    try model.fit(source, callbacks: [ProgressBar()])
    return (
      batches.count,
      [
        { for b in batches { try step(b.inputs + b.targets) } },
        { try model.fit(ready, callbacks: [ProgressBar()]) },
        {
          try source.begin()
          while let b = try source.next() { try step(b.inputs + b.targets) }
        },
        { try model.fit(source, callbacks: [ProgressBar()]) },
      ]
    )
  }

  private func measure(
    _ name: String, _ x: Tensor, _ y: Tensor, batchSize: Int, rounds: Int = 15,
    _ make: () throws -> Network
  ) throws {
    var text: [String] = []
    for hasMetric in [false, true] {
      var parts = [[Double]](repeating: [], count: 4)
      for fitsFirst in [true, false] {
        let (steps, runs) = try loops(
          x, y, batchSize: batchSize, hasMetric: hasMetric, fitsFirst: fitsFirst, make)
        for round in 0..<rounds {
          // Each stands behind each other as often.
          for k in runs.indices {
            let kind = (k + round) % runs.count
            let start = seconds()
            try runs[kind]()
            parts[kind].append((seconds() - start) / Double(steps))
          }
        }
      }
      func median(_ list: [Double]) -> Double { list.sorted()[list.count / 2] }
      func micro(_ kind: Int) -> String { "\((median(parts[kind]) * 1e8).rounded() / 100) us" }
      func percent(_ kind: Int, over base: Int) -> String {
        "\(((median(zip(parts[kind], parts[base]).map { $0 / $1 }) - 1) * 1000).rounded() / 10) %"
      }
      text.append(
        "\(hasMetric ? "with accuracy" : "no metric") \(micro(0)) on batches that are there, fit "
          + "\(percent(1, over: 0)) more, \(micro(2)) on shuffled ones, fit \(percent(3, over: 2))")
    }
    print("\(name): a step, \(text.joined(separator: "; "))")
  }

  private func images(_ count: Int, _ sizes: [Int]) throws -> (Tensor, Tensor) {
    (try Tensor.normal([count] + sizes), try Tensor.randomIntegers([count], from: 0, to: 10))
  }

  @Test func perceptrons() throws {
    for (sizes, batch) in [
      ([32, 64, 64, 2], 32), ([32, 64, 64, 2], 256), ([784, 128, 10], 32), ([784, 128, 10], 128),
    ] {
      let x = try Tensor.normal([8192, sizes[0]])
      let y = try Tensor.randomIntegers([8192], from: 0, to: sizes[sizes.count - 1])
      let name = sizes.map { "\($0)" }.joined(separator: "-")
      try measure("\(name), batch \(batch)", x, y, batchSize: batch) {
        try Sequential(input: [sizes[0]]) {
          for n in sizes.dropFirst().dropLast() { Dense(n, activation: .relu) }
          Dense(sizes[sizes.count - 1])
        }
      }
    }
  }

  @Test func convolutional() throws {
    var (x, y) = try images(2048, [1, 28, 28])
    try measure("LeNet-5, batch 64", x, y, batchSize: 64) {
      try Sequential(input: [1, 28, 28]) {
        Conv2D(6, 5, padding: .same, activation: .relu)
        MaxPooling2D()
        Conv2D(16, 5, activation: .relu)
        MaxPooling2D()
        Flatten()
        Dense(120, activation: .relu)
        Dense(84, activation: .relu)
        Dense(10)
      }
    }
    try measure("MNIST convnet, batch 128", x, y, batchSize: 128, rounds: 9) {
      try Sequential(input: [1, 28, 28]) {
        Conv2D(32, 3, activation: .relu)
        MaxPooling2D()
        Conv2D(64, 3, activation: .relu)
        MaxPooling2D()
        Flatten()
        Dense(10)
      }
    }
    (x, y) = try images(256, [3, 32, 32])
    try measure("ResNet-20, batch 32", x, y, batchSize: 32, rounds: 7, resnet)
  }

  private func resnet() throws -> Network {
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
    return try Model(inputs: input, outputs: Dense(10)(GlobalAveragePooling2D()(h)))
  }

  @Test func sequences() throws {
    let (letters, steps) = (65, 64)
    let x = try Tensor.randomIntegers([512, steps], from: 0, to: letters)
    let y = try Tensor.randomIntegers([512, steps], from: 0, to: letters)
    try measure("character LSTM, batch 32", x, y, batchSize: 32) {
      try Sequential(input: [steps]) {
        Embedding(letters, 64)
        LSTM(128, returnsSequences: true)
        Dense(letters)
      }
    }
    try measure(
      "GPT, batch 12", x.rows(in: 0..<240), y.rows(in: 0..<240), batchSize: 12, rounds: 9
    ) {
      let places = try Tensor((0..<steps).map { Int64($0) })
      let tokens = Input(shape: [steps])
      let position = try Embedding(steps, 128)(Lambda { try places.broadcast(like: $0) }(tokens))
      var h = try Embedding(letters, 128)(tokens) + position
      for _ in 0..<4 {
        h = try TransformerEncoder(128, heads: 4, inner: 512, dropout: 0, isCausal: true)(h)
      }
      return try Model(inputs: tokens, outputs: Dense(letters)(h))
    }
  }

  @Test func trees() throws {
    let x = try Tensor.randomIntegers([2048, TreeRows.width], from: 0, to: 500)
    let y = try Tensor.randomIntegers([2048], from: 0, to: 5)
    try measure("Tree-LSTM of tables, batch 16", x, y, batchSize: 16) { TreeRows() }
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

/// Batches that lie there, again and again.
private final class ReadyBatches: BatchSource {
  private let batches: [Batch]
  private var place = 0

  init(_ batches: [Batch]) { self.batches = batches }

  var batchCount: Int? { batches.count }
  func begin() { place = 0 }
  func next() -> Batch? {
    guard place < batches.count else { return nil }
    defer { place += 1 }
    return batches[place]
  }
}
