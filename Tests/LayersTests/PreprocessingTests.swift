import Glibc
import Layers
import Tensors
import Testing
import Training

/// Preprocessing layers against Keras, in graphs, and what random ones keep to.
@Suite struct PreprocessingTests {
  static let records = KerasRecord.all.filter { PreprocessingCases.all[$0.name] != nil }

  private func isRandom(_ name: String) -> Bool {
    ["rotation", "zoom", "translation", "brightness"].contains { name.hasPrefix($0) }
  }

  @Test func allCasesAreRead() {
    #expect(KerasRecord.all.count >= 54)
    let own: Set<String> = ["attention mask", "stateful lstm"]
    let names = Set(KerasRecord.all.map(\.name))
    #expect(names == own.union(PreprocessingCases.all.keys))
  }

  @Test(arguments: records) func valuesAreKeras(_ record: KerasRecord) throws {
    let make = try #require(PreprocessingCases.all[record.name])
    let layer = try make(record.inputs)
    let y = try inTraining(isRandom(record.name)) { try layer(masked: record.inputs).value }
    if let d = try record.difference(y) { Issue.record("\(d)") }
    let told = try layer.outputShapes(
      for: record.inputs.map { LayerShape([nil] + $0.shape.array.dropFirst().map { Optional($0) }) }
    )
    let sizes = record.output.shape.array
    #expect(told[0].rank == sizes.count)
    for (a, b) in zip(told[0].sizes, sizes) where a != nil { #expect(a == b) }
  }

  /// The ONNX graph has the layer's answers, for three sizes of the batch, strings included. With
  /// `DLRUN_EXPORTS` files stay in that folder, for `tools/oracle/training/check_preprocessing.py`.
  @Test(arguments: records) func graphsAreRight(_ record: KerasRecord) throws {
    let make = try #require(PreprocessingCases.all[record.name])
    let layer = try make(record.inputs)
    _ = try layer(masked: record.inputs)
    let folder = getenv("DLRUN_EXPORTS").map { String(cString: $0) }
    let path =
      folder.map { "\($0)/\(record.name).onnx" }
      ?? "/tmp/dlrun-preprocessing-\(UInt64.random(in: 0..<UInt64.max)).onnx"
    defer { if folder == nil { unlink(path) } }
    let named = record.inputs.enumerated().map { ("x\($0.offset)", $0.element) }
    func export() throws {
      try exportONNX(layer, to: path, inputs: named) { [("y", try $0($1))] }
    }
    if PreprocessingCases.isEager.contains(record.name) {
      let error = #expect(throws: EngineError.self) { try export() }
      #expect(error?.code == .unsupported && error?.hint != nil)
    } else {
      try export()
    }
  }

  @Test func numbersAreHashedInGraphs() throws {
    let x = try Tensor(
      shape: [4, 2], [0, 1, -1, 7_000_000_000, .max, .min, 1 << 31, 42] as [Int64])
    let layer = Hashing(10, mask: .number(42))
    let y = try layer(x)
    let list = try y.numbers()
    #expect(list.allSatisfy { $0 >= 0 && $0 < 10 })
    #expect(list.last == 0)
    #expect(list.count { $0 == 0 } == 1)
    let (salted, plain) = (try Hashing(10, salt: 1)(x), try Hashing(10)(x))
    #expect(try salted.numbers() != plain.numbers())
    // Spread evenly: 10000 numbers on 10 bins, within five deviations.
    let many = try Hashing(10)(Tensor((0..<10_000).map { Int64($0) })).numbers()
    for k in 0..<10 {
      let share = many.count { $0 == Double(k) }
      #expect(abs(share - 1000) < 150)
    }
    let cross = HashedCrossing(50)
    #expect(try cross([x, x]).shape == [4, 2])
    let path = "/tmp/dlrun-hash-\(UInt64.random(in: 0..<UInt64.max)).onnx"
    defer { unlink(path) }
    try exportONNX(cross, to: path, inputs: [("a", x), ("b", x)]) { [("y", try $0($1))] }
    try exportONNX(layer, to: path, inputs: [("a", x)]) { [("y", try $0($1[0]))] }
  }

  @Test func randomLayersDraw() throws {
    let x = try Tensor(
      shape: [8, 1, 4, 6], (0..<8 * 24).map { Float($0 % 24) })
    let layers: [Layer] = [
      RandomFlip(), RandomRotation(0.2), RandomZoom(0.3), RandomTranslation(0.4, 0.4),
      RandomContrast(0.5), RandomBrightness(0.2),
    ]
    for layer in layers {
      #expect(try layer(x).numbers() == x.numbers(), "\(type(of: layer))")
      let (a, b, c) = try inTraining {
        (
          try withSeed(3) { try layer(x).numbers() }, try withSeed(3) { try layer(x).numbers() },
          try withSeed(4) { try layer(x).numbers() }
        )
      }
      #expect(a == b && a != c, "\(type(of: layer))")
      // Each image has a draw of its own.
      // They differ, and so do what was made of like images.
      let images = Set((0..<8).map { i in Array(a[i * 24..<i * 24 + 24]) })
      #expect(images.count > 1)
    }
    let crop = RandomCrop(2, 3)
    let parts = try inTraining { try crop(x) }
    #expect(parts.shape == [8, 1, 2, 3])
    let n = try parts.numbers()
    for i in 0..<8 {
      // Neighbours stay neighbours: whole pixels are taken.
      let p = Array(n[i * 6..<i * 6 + 6])
      let wanted = [0.0, 1, 2, 6, 7, 8].map { p[0] + $0 }
      #expect(p == wanted)
    }
    // Otherwise the middle of the same ratio: columns 1 to 4 and all rows, resized.
    let middle = try crop(x)
    #expect(try middle.numbers() == Resizing(2, 3, cropsToRatio: true)(x).numbers())
    #expect(throws: EngineError.self) { try RandomCrop(5, 3)(x) }
  }

  /// Compiled steps draw what eager ones draw.
  @Test func augmentedTrainingIsTheSameCompiled() throws {
    let x = try withSeed(1) { try Tensor.uniform([16, 1, 6, 6]) }
    let y = try Tensor((0..<16).map { Int64($0 % 2) })
    var results: [[Double]] = []
    for eager in [false, true] {
      setSeed(5)
      let model = try Sequential(input: [1, 6, 6]) {
        RandomFlip(.horizontal)
        RandomRotation(0.05)
        RandomTranslation(0.1, 0.1)
        RandomContrast(0.2, values: 0...1)
        Flatten()
        Dense(2)
      }
      model.compile(
        optimizer: .keras.sgd(learningRate: 0.1),
        loss: .sparseCategoricalCrossEntropy(fromLogits: true), eager: eager, threads: 1)
      results.append(try model.fit(x, y, epochs: 3, batchSize: 8)["loss"])
    }
    for (a, b) in zip(results[0], results[1]) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func whatIsMissingIsSaid() throws {
    let words = try Tensor(shape: [1], strings: ["a"])
    for layer in [try StringLookup(), try TextVectorization()] as [Layer] {
      #expect(throws: EngineError.self) { try layer(words) }
    }
    #expect(throws: EngineError.self) { try StringLookup(["a", "a"]) }
    #expect(throws: EngineError.self) { try Discretization([1, 0]) }
    #expect(throws: EngineError.self) { try Discretization(bins: 3)(Tensor([1] as [Float])) }
    #expect(throws: EngineError.self) { try Hashing(0)(words) }
    #expect(throws: EngineError.self) { try HashedCrossing(4)([words]) }
    #expect(throws: EngineError.self) { try StringLookup().adapt(Tensor([1] as [Float])) }
  }

  @Test func attentionMasksAreKeras() throws {
    let record = try #require(KerasRecord.all.first { $0.name == "attention mask" })
    for dropout in [0, 0.5] {
      // With dropout the formula runs; it drops nothing at inference.
      let layer = MultiHeadAttention(heads: 2, keySize: 3, dropout: dropout, takesMask: true)
      try layer.prepare(for: record.inputs.map { LayerShape($0.shape.array.map { Optional($0) }) })
      for (k, p) in [
        layer.query.kernel, layer.query.bias, layer.key.kernel, layer.key.bias,
        layer.value.kernel, layer.value.bias, layer.outputKernel, layer.outputBias,
      ].enumerated() {
        let p = try #require(p)
        p.value = try Tensor(
          shape: p.value.shape,
          (0..<p.value.count).map { Float(0.5 * Glibc.cos(0.37 * Double($0) + Double(k))) })
      }
      if let d = try record.difference(layer(record.inputs)) { Issue.record("\(d)") }
      #expect(throws: EngineError.self) { try layer(Array(record.inputs.prefix(1))) }
      #expect(throws: EngineError.self) {
        try layer([record.inputs[0], record.inputs[1], record.inputs[0].cast(to: .bool)])
      }
    }
    let plain = Attention(takesMask: true)
    let (q, v, m) = (record.inputs[0], record.inputs[1], record.inputs[2])
    let alone = try plain([q, v, m])
    // A key that is not seen does not matter.
    let other = try plain([q, choose(m.any(axes: [1]).expandDims(at: -1), v, v + 9), m])
    #expect(try alone.numbers() == other.numbers())
    #expect(try AdditiveAttention(takesMask: true)([q, v, m]).shape == [2, 3, 4])
    let a = Input(shape: [3, 4])
    let b = Input(shape: [5, 4])
    let seen = Input(shape: [3, 5])
    let model = try Model(inputs: [a, b, seen], outputs: [plain([a, b, seen])])
    #expect(try model([q, v, m]).numbers() == alone.numbers())
  }
}
