import DLTrain
import Testing

/// `fit` and its companions.
@Suite struct FitTests {
  /// Two clouds of points: features and class numbers.
  static func clouds(_ n: Int = 200, seed: UInt64 = 1) throws -> (x: Tensor, y: Tensor) {
    try withSeed(seed) {
      let y = try Tensor((0..<n).map { Int64($0 % 2) })
      let shift = try y.cast(to: .float32).expandDims(at: 1) * 3
      return (try Tensor.normal([n, 4]) + shift, y)
    }
  }

  static func classifier(_ seed: UInt64 = 3) throws -> Sequential {
    try withSeed(seed) {
      try Sequential(input: [4]) {
        Dense(16, activation: .relu)
        Dropout(0.2)
        BatchNormalization(momentum: 0.8)
        Dense(2)
      }
    }
  }

  private func compile(_ model: Network, eager: Bool = false) {
    model.compile(
      optimizer: .keras.adam(learningRate: 0.01),
      loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy], eager: eager,
      threads: 1)
  }

  @Test func learns() throws {
    let (x, y) = try Self.clouds()
    let model = try Self.classifier()
    compile(model)
    setSeed(5)
    let history = try model.fit(x, y, epochs: 8, batchSize: 32, validation: .split(0.2))
    #expect(history.epochs.count == 8)
    #expect(history.epochs[0].names == ["loss", "accuracy", "val_loss", "val_accuracy"])
    #expect(try #require(history["val_accuracy"].last) > 0.9)
    let figures = try model.evaluate(x, y)
    #expect(try #require(figures["accuracy"]) > 0.9)
    let p = try model.predict(x, batchSize: 64)
    #expect(p.shape == [200, 2])
    let alone = try model.predictOnBatch(x.slice(0, from: 70, to: 71)).numbers()
    for (a, b) in zip(alone, try p.slice(0, from: 70, to: 71).numbers()) {
      #expect(abs(a - b) < 1e-5)
    }
  }

  /// Compiled and eager steps give the same numbers, dropout's draws and shuffling included.
  @Test func eagerIsTheSame() throws {
    let (x, y) = try Self.clouds(90)
    var results: [[Double]] = []
    for eager in [false, true] {
      let model = try Self.classifier()
      compile(model, eager: eager)
      setSeed(9)
      let history = try model.fit(x, y, epochs: 3, batchSize: 32, validation: .split(0.3))
      results.append(history.epochs.flatMap { $0.map(\.value) })
      results[results.count - 1] += try model.states.flatMap { try $0.value.numbers() }
      results[results.count - 1].append(Double(randomState.calls))
    }
    for (a, b) in zip(results[0], results[1]) { #expect(abs(a - b) < 2e-5) }
  }

  @Test func weightsOfClassesAndSamples() throws {
    let (x, y) = try Self.clouds(64)
    var losses: [Double] = []
    for way in 0..<3 {
      let model = try Self.classifier()
      compile(model)
      setSeed(8)
      let weights = try y.cast(to: .float32) * 3 + 1
      let figures =
        switch way {
        case 0:
          try model.fit(x, y, batchSize: 64, shuffle: false, classWeights: [0: 1, 1: 4]).epochs[0]
        case 1: try model.fit(x, y, batchSize: 64, shuffle: false, sampleWeights: weights).epochs[0]
        default: try model.trainOnBatch(x, y)
        }
      losses.append(try #require(figures["loss"]))
    }
    #expect(abs(losses[0] - losses[1]) < 1e-6)
    #expect(losses[2] < losses[0])
  }

  /// Penalties of parameters, terms that layers add, and constraints.
  @Test func penaltiesAndConstraints() throws {
    let x = try Tensor.ones([8, 3])
    let y = try Tensor.zeros([8, 1])
    func loss(_ layers: [Layer], eager: Bool) throws -> Double {
      let model = Sequential(layers)
      model.compile(
        optimizer: .keras.sgd(learningRate: 0.1), loss: .meanSquaredError, eager: eager)
      return try #require(try model.trainOnBatch(x, y)["loss"])
    }
    for eager in [true, false] {
      let w = Initializer.constant(0.5)
      let plain = try loss([Dense(1, kernelInitializer: w)], eager: eager)
      #expect(abs(plain - 2.25) < 1e-6)
      let penalised = try loss(
        [Dense(1, kernelInitializer: w, kernelRegularizer: .l2(0.1))], eager: eager)
      #expect(abs(penalised - 2.325) < 1e-6)
      let added = try loss(
        [Dense(1, kernelInitializer: w), ActivityRegularization(l1: 0.01)], eager: eager)
      #expect(abs(added - 2.25 - 0.12) < 1e-6)
      let bound = Dense(1, kernelInitializer: w, kernelConstraint: .nonNegative)
      _ = try loss([bound], eager: eager)
      #expect(try bound.kernel.value.numbers().allSatisfy { $0 >= 0 })
      let free = Dense(1, kernelInitializer: w)
      _ = try loss([free], eager: eager)
      #expect(try free.kernel.value.numbers().allSatisfy { $0 >= 0 } == (0.5 - 0.3 >= 0))
    }
  }

  @Test func severalInputsAndOutputs() throws {
    let (a, b) = (Input(shape: [3]), Input(shape: [2]))
    let joined = try Concatenate()([a, b])
    let hidden = try Dense(8, activation: .tanh)(joined)
    let model = try Model(
      inputs: [a, b], outputs: [Dense(1)(hidden), Dense(2, activation: .softmax)(hidden)])
    model.compile(
      optimizer: .keras.adam(learningRate: 0.02),
      losses: [.meanSquaredError, .sparseCategoricalCrossEntropy()],
      metrics: [.meanAbsoluteError, Accuracy(kind: .sparse, output: 1)], lossWeights: [1, 0.5])
    let (x, z) = try withSeed(2) { (try Tensor.normal([60, 3]), try Tensor.normal([60, 2])) }
    let y = try x.sum(axes: [1])
    let c = try z.sum(axes: [1]).isGreater(than: 0).cast(to: .int64)
    let history = try model.fit(inputs: [x, z], targets: [y, c], epochs: 30, batchSize: 20)
    let losses = history["loss"]
    #expect(try #require(losses.last) < 0.5 * losses[0])
    #expect(try #require(history["accuracy"].last) > 0.8)
    let out = try model.predict([x, z])
    #expect(out.map(\.shape) == [[60, 1], [60, 2]])
  }

  /// Steps that a mask leaves out do not count in the loss.
  @Test func maskedSteps() throws {
    let x = try Tensor(shape: [2, 3], [1, 2, 0, 3, 0, 0] as [Int64])
    let y = try Tensor(shape: [2, 3, 1], [1, 1, 9, 1, 9, 9] as [Float])
    for eager in [true, false] {
      let model = Sequential {
        Embedding(4, 2, masksZero: true, initializer: .zeros)
        Dense(1)
      }
      model.compile(optimizer: .keras.sgd(), loss: .meanSquaredError, eager: eager)
      #expect(abs(try #require(try model.trainOnBatch(x, y)["loss"]) - 1) < 1e-6)
    }
  }

  @Test func generatedBatches() throws {
    let (x, y) = try Self.clouds(64)
    let model = try Self.classifier()
    compile(model)
    let source = ClosureSource(batches: 4) { i in
      Batch(
        [try x.slice(0, from: 16 * i, to: 16 * i + 16)],
        [try y.slice(0, from: 16 * i, to: 16 * i + 16)])
    }
    let history = try model.fit(source, epochs: 2)
    #expect(history["loss"].count == 2)
    #expect(model.optimizer?.steps == 8)
  }

  @Test func mistakes() throws {
    let (x, y) = try Self.clouds(20)
    let model = try Self.classifier()
    let early = #expect(throws: EngineError.self) { try model.fit(x, y) }
    #expect(early?.code == .usage)
    compile(model)
    let count = #expect(throws: EngineError.self) { try model.fit(x, y.slice(0, from: 0, to: 9)) }
    #expect(count?.code == .shape)
    #expect(count?.subject.line == #line - 2)
    let wide = #expect(throws: EngineError.self) { try model.fit(concat([x, x], axis: 1), y) }
    #expect(wide?.code == .shape && wide?.expected == "4")
    let figure = #expect(throws: EngineError.self) {
      try model.fit(x, y, callbacks: [EarlyStopping()])
    }
    #expect(figure?.hint?.contains("validation") == true)
  }

  /// Frozen parameters stay, also when they are frozen between two runs, and follow when loaded anew.
  @Test func frozenLayersStay() throws {
    let (x, y) = try Self.clouds(64)
    let model = try Self.classifier()
    compile(model)
    try model.fit(x, y)
    let first = try model.parameter("layers.0.kernel")
    #expect(model.freeze("layers.0.*") == 2)
    let before = try first.value.numbers()
    try model.fit(x, y)
    #expect(try first.value.numbers() == before)
    // The frozen value is a constant of the step: another one makes another step.
    let wide = try #require(try model.testOnBatch(x, y)["loss"])
    first.value = try first.value * 0
    let none = try #require(try model.testOnBatch(x, y)["loss"])
    #expect(wide != none)
    try model.trainOnBatch(x, y)
    #expect(try first.value.absolute().max().scalar() == 0)
    model.freeze("layers.0.*", false)
    try model.fit(x, y)
    #expect(try first.value.absolute().max().scalar() > 0)
  }

  @Test func doublePrecision() throws {
    let (x, y) = try Self.clouds(64)
    let model = try LayerDefaults.$dtype.withValue(.float64) {
      try Sequential(input: [4]) {
        Dense(8, activation: .tanh)
        BatchNormalization()
        Dense(2)
      }
    }
    compile(model)
    let history = try model.fit(x.cast(to: .float64), y, epochs: 2)
    #expect(history["loss"].allSatisfy { $0.isFinite })
    #expect(model.parameters.allSatisfy { $0.value.dtype == .float64 })
    #expect(try model.predict(x.cast(to: .float64)).dtype == .float64)
  }
}
