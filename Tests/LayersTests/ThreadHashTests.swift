import DLTrain
import Testing

/// Weights after 100 steps of `fit` on 1, 2 and 4 threads, bit for bit, on five kinds of networks that
/// are large enough for their work to be divided.
@Suite(.serialized) struct ThreadHashTests {
  /// FNV-1a of all parameters and states.
  private static func hash(_ model: Network) -> UInt64 {
    var h: UInt64 = 0xCBF2_9CE4_8422_2325
    for t in model.parameters.map(\.value) + model.states.map(\.value) {
      t.withUnsafeBytes { for b in $0 { h = (h ^ UInt64(b)) &* 0x100_0000_01B3 } }
    }
    return h
  }

  private func check(
    _ name: String, batch: Int, _ x: Tensor, _ y: Tensor, _ make: () throws -> Network
  ) throws {
    var hashes: [UInt64] = []
    for threads in [1, 2, 4] {
      setSeed(3)
      let model = try make()
      model.compile(
        optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true),
        metrics: [.accuracy], threads: threads)
      let steps = x.shape[0] / batch
      try model.fit(x, y, epochs: 100 / steps, batchSize: batch)
      #expect(model.optimizer?.steps == 100)
      hashes.append(Self.hash(model))
    }
    #expect(hashes[1] == hashes[0] && hashes[2] == hashes[0], "\(name): \(hashes)")
    print("\(name): \(String(hashes[0], radix: 16)) on 1, 2 and 4 threads")
  }

  private func images(_ n: Int, _ sizes: [Int]) throws -> (Tensor, Tensor) {
    try withSeed(2) {
      (try Tensor.normal([n] + sizes), try Tensor.randomIntegers([n], from: 0, to: 10))
    }
  }

  private func texts(_ n: Int, _ steps: Int) throws -> (Tensor, Tensor) {
    try withSeed(2) {
      (
        try Tensor.randomIntegers([n, steps], from: 0, to: 40),
        try Tensor.randomIntegers([n, steps], from: 0, to: 40)
      )
    }
  }

  @Test func perceptronWithDropout() throws {
    let (x, y) = try images(1280, [784])
    try check("MLP", batch: 128, x, y) {
      try Sequential(input: [784]) {
        Dense(128, activation: .relu)
        Dropout(0.2)
        Dense(10)
      }
    }
  }

  @Test func convolutions() throws {
    let (x, y) = try images(160, [1, 28, 28])
    try check("LeNet-5", batch: 32, x, y) {
      try Sequential(input: [1, 28, 28]) {
        Conv2D(6, 5, padding: .same, activation: .relu)
        MaxPooling2D()
        Conv2D(16, 5, activation: .relu)
        MaxPooling2D()
        Flatten()
        Dense(120, activation: .relu)
        Dense(10)
      }
    }
  }

  @Test func residualWithBatchNorm() throws {
    let (x, y) = try images(80, [3, 16, 16])
    try check("residual network", batch: 16, x, y) {
      let input = Input(shape: [3, 16, 16])
      var h = try Conv2D(16, 3, padding: .same)(input)
      for _ in 0..<2 {
        let inner = try Conv2D(16, 3, padding: .same)(ReLU()(BatchNormalization()(h)))
        h = h + inner
      }
      return try Model(inputs: input, outputs: Dense(10)(GlobalAveragePooling2D()(h)))
    }
  }

  @Test func recurrent() throws {
    let (x, y) = try texts(80, 20)
    try check("LSTM", batch: 16, x, y) {
      try Sequential(input: [20]) {
        Embedding(40, 32)
        LSTM(64, returnsSequences: true)
        Dense(40)
      }
    }
  }

  @Test func transformer() throws {
    let (x, y) = try texts(80, 32)
    try check("transformer", batch: 8, x, y) {
      try Sequential(input: [32]) {
        Embedding(40, 64)
        TransformerEncoder(64, heads: 4, inner: 128, dropout: 0.1, isCausal: true)
        Dense(40)
      }
    }
  }
}
