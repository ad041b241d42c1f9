import DLTrain
import Testing

/// Layers that Keras does not have, or that draw random numbers.
@Suite struct ExtraLayerTests {
  private func image(_ sizes: [Int]) throws -> Tensor {
    let n = sizes.reduce(1, *)
    return try Tensor(shape: Shape(checking: sizes), (0..<n).map { Float(($0 * 7) % 11) })
  }

  @Test func instanceNormalization() throws {
    let y = try InstanceNormalization(isAffine: true)(image([2, 3, 4, 4]))
    for m in try y.mean(axes: [2, 3]).numbers() { #expect(abs(m) < 1e-5) }
    for v in try y.variance(axes: [2, 3]).numbers() { #expect(abs(v - 1) < 1e-3) }
  }

  @Test func pixelsAreShuffledAndBack() throws {
    let x = try image([2, 8, 3, 2])
    let y = try PixelShuffle(2)(x)
    #expect(y.shape == [2, 2, 6, 4])
    #expect(try PixelUnshuffle(2)(y).numbers() == x.numbers())
    // torch: out[n, c, h r + i, w r + j] = in[n, c r r + i r + j, h, w].
    #expect(try y.numbers()[1] == x.numbers()[6])
    #expect(throws: EngineError.self) { try PixelShuffle(3)(x) }
  }

  @Test func paddingKinds() throws {
    let x = try Tensor(shape: [1, 1, 3], [1, 2, 3] as [Float])
    func padded(_ kind: PaddingKind) throws -> [Double] { try Padding1D(kind, 2)(x).numbers() }
    #expect(try padded(.zeros) == [0, 0, 1, 2, 3, 0, 0])
    #expect(try padded(.reflect) == [3, 2, 1, 2, 3, 2, 1])
    #expect(try padded(.replicate) == [1, 1, 1, 2, 3, 3, 3])
    #expect(try padded(.circular) == [2, 3, 1, 2, 3, 1, 2])
    #expect(throws: EngineError.self) { try Padding1D(.reflect, 3)(x) }
    #expect(try Padding2D(.circular, 1)(image([1, 2, 3, 3])).shape == [1, 2, 5, 5])
    #expect(try Padding3D(.reflect, 1)(image([1, 1, 2, 3, 2])).shape == [1, 1, 4, 5, 4])
  }

  @Test func bags() throws {
    let words = try Tensor(shape: [2, 3], [1, 2, 0, 3, 0, 0] as [Int64])
    for (mode, want) in [
      (EmbeddingBag.Mode.sum, [3.0, 3]), (.mean, [1.5, 3]), (.max, [2, 3]),
    ] {
      let bag = EmbeddingBag(4, 1, mode: mode, padding: 0)
      _ = try bag(words)
      bag.table.value = try Tensor([[9], [1], [2], [3]])
      #expect(try bag(words).numbers() == want)
    }
    let all = EmbeddingBag(4, 1)
    _ = try all(words)
    all.table.value = try Tensor([[9], [1], [2], [3]])
    #expect(try all(words).numbers() == [4, 7])
  }

  /// With weights of nothing a transformer's layers give what went in, normalised.
  @Test func transformers() throws {
    let x = try Tensor.normal([2, 5, 8])
    let encoder = TransformerEncoder(8, heads: 2, inner: 16)
    #expect(try encoder(x).shape == [2, 5, 8])
    for p in encoder.parameters where p.name.hasSuffix("kernel") || p.name.hasSuffix("Kernel") {
      p.value = try p.value * 0
    }
    let plain = try LayerNormalization(epsilon: 1e-5)(x).numbers()
    for (a, b) in zip(try encoder(x).numbers(), plain) { #expect(abs(a - b) < 1e-3) }
    let decoder = TransformerDecoder(8, heads: 2, inner: 16, normalizesFirst: true)
    let memory = try Tensor.normal([2, 3, 8])
    let y = try decoder([x, memory])
    #expect(y.shape == [2, 5, 8])
    // No step sees one behind it.
    let changed = try concat([x.slice(1, from: 0, to: 4), x.slice(1, from: 4, to: 5) + 1], axis: 1)
    let z = try decoder([changed, memory])
    for t in 0..<5 {
      let same = try y.element(t, axis: 1).numbers() == z.element(t, axis: 1).numbers()
      #expect(same == (t < 4))
    }
    #expect(throws: EngineError.self) {
      try TransformerEncoder(8, heads: 3, inner: 4)(x)
    }
  }

  @Test func spectralNormalization() throws {
    let layer = SpectralNormalization(Dense(6, useBias: false), iterations: 300)
    let x = try Tensor.normal([3, 5])
    _ = try inTraining { try layer(x) }
    let kernel = try layer.parameter("layer.kernel").value
    let y = try layer(x)
    let direct = try x.matmul(kernel)
    let scale = try direct.numbers()[0] / y.numbers()[0]
    // The largest singular value: no vector grows more.
    let v = try kernel.transpose().matmul(layer.vector.value)
    #expect(abs(try v.l2Norm().scalar() - scale) < 1e-3 * scale)
    #expect(throws: EngineError.self) { try SpectralNormalization(ReLU())(x) }
  }

  @Test func dropoutsKeepMeans() throws {
    let x = try Tensor.ones([40, 50])
    let layers: [(Layer, Double)] = [
      (Dropout(0.3), 0.02), (GaussianDropout(0.3), 0.03), (GaussianNoise(0.5), 0.03),
    ]
    for (layer, bound) in layers {
      #expect(try layer(x).numbers() == x.numbers())
      let y = try withSeed(1) { try inTraining { try layer(x) } }
      #expect(abs(try y.mean().scalar() - 1) < bound, "\(layer)")
      #expect(try y.numbers() != x.numbers())
    }
    let normal = try withSeed(2) { try Tensor.normal([100, 100]) }
    let y = try withSeed(3) { try inTraining { try AlphaDropout(0.2)(normal) } }
    #expect(abs(try y.mean().scalar()) < 0.03)
    #expect(abs(try y.variance().scalar() - 1) < 0.05)
    #expect(throws: EngineError.self) { try Dropout(1)(x) }
  }

  @Test func wholeChannelsAreDropped() throws {
    let x = try Tensor.ones([8, 6, 5])
    let y = try withSeed(1) { try inTraining { try SpatialDropout1D(0.5)(x) } }
    for (i, s) in try y.sum(axes: [2]).numbers().enumerated() {
      #expect(s == 0 || s == 10, "channel \(i)")
    }
    let last = try withSeed(1) {
      try inTraining { try SpatialDropout1D(0.5, dataFormat: .channelsLast)(x) }
    }
    for s in try last.sum(axes: [1]).numbers() { #expect(s == 0 || s == 12) }
    let shared = try withSeed(1) { try inTraining { try Dropout(0.5, sharedAxes: [0])(x) } }
    let rows = try shared.slice(0, from: 0, to: 1)
    #expect(try (shared - rows).absolute().sum().scalar() == 0)
  }

  @Test func recurrentDropoutTrains() throws {
    let model = try Sequential(input: [6, 3]) {
      LSTM(4, returnsSequences: true, dropout: 0.2, recurrentDropout: 0.2)
      GRU(4, recurrentDropout: 0.5)
      Dense(1)
    }
    model.compile(optimizer: .keras.adam(), loss: .meanSquaredError)
    let x = try Tensor.normal([16, 6, 3])
    let history = try model.fit(x, x.mean(axes: [1, 2]), epochs: 2, batchSize: 8)
    #expect(history["loss"].allSatisfy { $0.isFinite })
  }
}
