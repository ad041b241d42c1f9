import DLTrain
import Formats
import Glibc
import Testing

/// The ten-line programs of the README, as they stand there.
///
/// With `DLRUN_EXPORTS` the trained models stay in that folder with samples and their own answers, for
/// `tools/check_trained.py --answers`.
@Suite struct TenLineTests {
  /// Writes a model, samples and its answers, where files are asked for.
  private func keep(_ model: Network, _ name: String, _ x: Tensor) throws {
    guard let folder = getenv("DLRUN_EXPORTS").map({ String(cString: $0) }) else { return }
    let samples = try x.slice(0, from: 0, to: 32)
    try exportONNX(model, to: "\(folder)/\(name).onnx", inputs: [("x", samples)]) {
      [("y", try $0($1[0]))]
    }
    try TensorFile.write(
      [("x", samples), ("y", model.predict(samples))], to: "\(folder)/\(name).npz")
  }

  /// Images of two kinds: bright to the left or to the right, 8 by 8.
  private func images(_ n: Int = 128) throws -> (Tensor, Tensor) {
    try withSeed(1) {
      let kinds = try Tensor((0..<n).map { Int64($0 % 2) })
      let side = try Tensor((0..<8).map { Float($0 < 4 ? 1 : -1) })
      let sign = try kinds.cast(to: .float32).reshape([n, 1, 1, 1]) * 2 - 1
      return (try Tensor.normal([n, 1, 8, 8]) + sign * side, kinds)
    }
  }

  /// Sequences of numbers below 10; the class is whether the first is above 4.
  private func sentences(_ n: Int = 256) throws -> (Tensor, Tensor) {
    try withSeed(2) {
      let words = try Tensor.randomIntegers([n, 6], from: 0, to: 10)
      return (words, try words.element(0, axis: 1).isGreater(than: 4).cast(to: .int64))
    }
  }

  @Test func perceptron() throws {
    let (x, y) = try FitTests.clouds(256)
    setSeed(1)
    let model = try Sequential(input: [4]) {
      Dense(64, activation: .relu)
      Dropout(0.2)
      Dense(2)
    }
    model.compile(
      optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true),
      metrics: [.accuracy])
    let history = try model.fit(x, y, epochs: 10, validation: .split(0.2))
    print(history["val_accuracy"])
    #expect(try #require(history["val_accuracy"].last) > 0.9)
    try keep(model, "perceptron", x)
  }

  @Test func convolutional() throws {
    let (x, y) = try images()
    setSeed(1)
    let model = try Sequential(input: [1, 8, 8]) {
      for filters in [8, 16] {
        Conv2D(filters, 3, padding: .same, activation: .relu)
        MaxPooling2D()
      }
      Flatten()
      Dense(2)
    }
    model.compile(
      optimizer: .keras.adam(learningRate: 0.01),
      loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy])
    try model.fit(x, y, epochs: 5)
    #expect(try #require(model.evaluate(x, y)["accuracy"]) > 0.95)
    try keep(model, "convolutional", x)
  }

  @Test func residual() throws {
    let (x, y) = try FitTests.clouds(256)
    setSeed(1)
    let input = Input(shape: [4])
    var h = try Dense(16, activation: .relu)(input)
    for _ in 0..<3 {
      h = try h + Dense(16, activation: .relu)(LayerNormalization()(h))
    }
    let model = try Model(inputs: input, outputs: Dense(2)(h))
    model.compile(
      optimizer: .keras.adamW(), loss: .sparseCategoricalCrossEntropy(fromLogits: true),
      metrics: [.accuracy])
    try model.fit(x, y, epochs: 10)
    print(model.summary())
    #expect(try #require(model.evaluate(x, y)["accuracy"]) > 0.9)
    try keep(model, "residual", x)
  }

  @Test func recurrent() throws {
    let (x, y) = try sentences()
    setSeed(1)
    let model = try Sequential(input: [6]) {
      Embedding(10, 8)
      try Bidirectional(LSTM(16))
      Dense(1, activation: .sigmoid)
    }
    model.compile(
      optimizer: .keras.adam(learningRate: 0.02), loss: .binaryCrossEntropy(),
      metrics: [.accuracy, .auc])
    try model.fit(x, y, epochs: 10)
    #expect(try #require(model.evaluate(x, y)["accuracy"]) > 0.95)
    try keep(model, "recurrent", x)
  }

  @Test func transformer() throws {
    let (x, y) = try sentences()
    setSeed(1)
    let places = try Tensor((0..<6).map { Int64($0) })
    let tokens = Input(shape: [6])
    let position = try Embedding(6, 16)(Lambda { try places.broadcast(like: $0) }(tokens))
    var h = try Embedding(10, 16)(tokens) + position
    for _ in 0..<2 { h = try TransformerEncoder(16, heads: 4, inner: 32, dropout: 0)(h) }
    let pooled = try GlobalAveragePooling1D(dataFormat: .channelsLast)(h)
    let model = try Model(inputs: tokens, outputs: Dense(2)(pooled))
    model.compile(
      optimizer: .keras.adam(learningRate: 0.005),
      loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy])
    try model.fit(x, y, epochs: 20)
    #expect(try #require(model.evaluate(x, y)["accuracy"]) > 0.95)
    try keep(model, "transformer", x)
  }

  @Test func customLoop() throws {
    let (x, y) = try FitTests.clouds(256)
    setSeed(1)
    let model = try Sequential(input: [4]) {
      Dense(32, activation: .tanh)
      Dense(2)
    }
    let optimizer = try Optimizer(model, .keras.adam(learningRate: 0.01))
    let batches = try ArraySource([x], [y], batchSize: 32, shuffle: true)
    for _ in 0..<5 {
      try batches.begin()
      while let batch = try batches.next() {
        let (_, gradients) = try valueAndGradient(of: model) {
          try Loss.crossEntropy($0(batch.inputs[0]), batch.targets[0])
        }
        try optimizer.update(gradients)
      }
    }
    let right = try model(x).argMax().isEqual(to: y).cast(to: .float32).mean().scalar()
    #expect(right > 0.9)
    try keep(model, "custom_loop", x)
  }

  /// A network whose form is the data's: plain recursion.
  @Test func trees() throws {
    indirect enum Tree { case word(Int), pair(Tree, Tree) }
    final class TreeLSTM: Module {
      let words = Embedding(10, 16), gates = Dense(64), head = Dense(2)
      func state(_ tree: Tree) throws -> (h: Tensor, c: Tensor) {
        guard case .pair(let left, let right) = tree else {
          guard case .word(let i) = tree else { throw EngineError(.value, "no tree") }
          let e = try words(Tensor([Int64(i)]))
          return (e, try e * 0)
        }
        let (a, b) = (try state(left), try state(right))
        let g = try gates(concat([a.h, b.h], axis: 1)).split(into: 4, axis: 1)
        let c = try g[0].sigmoid() * g[3].tanh() + g[1].sigmoid() * (a.c + b.c)
        return (try g[2].sigmoid() * c.tanh(), c)
      }
    }
    // The class is whether the first word is above 4.
    var draw: UInt64 = 1
    func next(_ n: Int) -> Int {
      draw = draw &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((draw >> 33) % UInt64(n))
    }
    func tree(_ first: Int, _ depth: Int) -> Tree {
      depth == 0 || next(4) == 0
        ? .word(first) : .pair(tree(first, depth - 1), tree(next(10), depth - 1))
    }
    let firsts = (0..<40).map { _ in next(10) }
    let trees = firsts.map { tree($0, 3) }
    let y = try Tensor(firsts.map { Int64($0 > 4 ? 1 : 0) })
    setSeed(1)

    let model = TreeLSTM()
    func scores() throws -> Tensor { try model.head(concat(trees.map { try model.state($0).h })) }
    _ = try scores()
    let optimizer = try Optimizer(model, .keras.adam(learningRate: 0.02))
    for _ in 0..<40 {
      let (_, gradients) = try valueAndGradient(of: model) { _ in
        try Loss.crossEntropy(scores(), y)
      }
      try optimizer.update(gradients)
    }
    #expect(try scores().argMax().isEqual(to: y).cast(to: .float32).mean().scalar() > 0.9)
  }

  /// A residual network from a file, of which the last layer is trained on another task.
  @Test func fineTuning() throws {
    let (x, y) = try images()
    let path = "/tmp/dlrun-resnet-\(UInt64.random(in: 0..<UInt64.max)).onnx"
    let tuned = path + ".tuned.onnx"
    defer { for p in [path, tuned] { unlink(p) } }
    setSeed(1)
    let image = Input(shape: [1, 8, 8])
    var h = try Conv2D(8, 3, padding: .same)(image)
    for _ in 0..<2 {
      let inner = try Conv2D(8, 3, padding: .same)(ReLU()(BatchNormalization()(h)))
      h = h + inner
    }
    let pooled = try Flatten()(AveragePooling2D(4)(h))
    let whole = try Model(inputs: image, outputs: Dense(2).named("head")(pooled))
    try exportONNX(whole, to: path, inputs: [("image", x.slice(0, from: 0, to: 2))]) {
      [("scores", try $0($1[0]))]
    }

    let model = try ImportedModel(contentsOf: path)
    for p in model.parameters { p.isTrainable = p.name.contains("head") }
    let optimizer = try Optimizer(model, .keras.adam(learningRate: 0.02))
    for _ in 0..<40 {
      let (_, gradients) = try valueAndGradient(of: model) {
        try Loss.crossEntropy($0([x])[0], y)
      }
      try optimizer.update(gradients)
    }
    try model.write(to: tuned)
    let scores = try ImportedModel(contentsOf: tuned)([x])[0]
    #expect(try scores.argMax().isEqual(to: y).cast(to: .float32).mean().scalar() > 0.9)
    if let folder = getenv("DLRUN_EXPORTS").map({ String(cString: $0) }) {
      try model.write(to: "\(folder)/fine_tuning.onnx")
      try TensorFile.write(
        [("image", x), ("scores", inTraining(false) { try model([x])[0] })],
        to: "\(folder)/fine_tuning.npz")
    }
  }

  /// Everything trained goes to ONNX and is run there again.
  @Test func exports() throws {
    let (x, y) = try images(32)
    let model = try Sequential(input: [1, 8, 8]) {
      Conv2D(4, 3, activation: .relu)
      BatchNormalization()
      Flatten()
      Dense(2)
    }
    model.compile(optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true))
    try model.fit(x, y)
    let path = "/tmp/dlrun-ten-lines-\(UInt64.random(in: 0..<UInt64.max)).onnx"
    try exportONNX(model, to: path, inputs: [("image", x.slice(0, from: 0, to: 2))]) {
      [("scores", try $0($1[0]))]
    }
  }
}
