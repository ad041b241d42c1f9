import DLTrain
import Testing

/// The ten-line programs of the README, as they stand there.
@Suite struct TenLineTests {
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
