import DLRun
import DLTrain
import Glibc
import Testing

/// Training with what 8-bit integers will make of the model.
@Suite struct QuantizationAwareTests {
  /// The forward pass is the runtime's two operators, to the last bit.
  @Test(arguments: [false, true]) func forwardIsTheRuntimes(_ perChannel: Bool) throws {
    let x = try withSeed(1) { try Tensor.normal([6, 5], deviation: 3) }
    let layer = FakeQuantization(axis: perChannel ? 1 : nil, isSymmetric: perChannel)
    let y = try inTraining { try layer(x) }
    let (scale, zero) = try layer.scaleAndZero()
    var g = Graph()
    let input = g.addInput("x", Fact(.float32, [6, 5]))
    let s = g.addInitializer("s", scale)
    let z = g.addInitializer("z", zero)
    let q = g.addValue("q", Fact(zero.dtype, [6, 5]))
    let d = g.addValue("d", Fact(.float32, [6, 5]))
    let axis = [Attribute.int("axis", 1)]
    g.nodes.append(
      .init(
        name: "q", type: "QuantizeLinear", attributes: axis, inputs: [input, s, z], outputs: [q]))
    g.nodes.append(
      .init(
        name: "d", type: "DequantizeLinear", attributes: axis, inputs: [q, s, z], outputs: [d]))
    g.outputs = [d]
    var model = ModelGraph(g)
    model.opsets = [("", 19)]
    guard case .tensor(let want)? = try Session(model).run(ordered: [.tensor(x)])[0] else {
      Issue.record("no result")
      return
    }
    let (a, b) = (Array(y.elements(Float.self)), Array(want.elements(Float.self)))
    #expect(a.map(\.bitPattern) == b.map(\.bitPattern))
    #expect(zero.dtype == (perChannel ? .int8 : .uint8))
    #expect(scale.shape == (perChannel ? [5] : []))
  }

  /// torch 2.13: `fake_quantize_per_tensor_affine(x, 0.5, 3, 0, 255)` passes gradients for what
  /// rounds to 0...255.
  @Test func gradientsGoStraightThrough() throws {
    let x = try Tensor([-2, -1.8, -1.6, 0.1, 125.9, 126.2, 126.3] as [Float])
    let (scale, zero) = (try Tensor(scalar: Float(0.5)), try Tensor(scalar: UInt8(3)))
    let g = try gradient(at: [x]) { try $0[0].fakeQuantized(scale: scale, zero: zero).sum() }[0]
    #expect(try g.numbers() == [0, 0, 1, 1, 1, 1, 0])
    let step = try CompiledFunction(Sequential { Identity() }, example: [x], threads: 1) {
      [try $1[0].fakeQuantized(scale: scale, zero: zero)]
    }
    let wanted = try x.fakeQuantized(scale: scale, zero: zero).numbers()
    #expect(try step([x])[0].numbers() == wanted)
  }

  @Test func rangesMoveAndFreeze() throws {
    let layer = FakeQuantization(momentum: 0.5)
    func see(_ v: [Float]) throws { _ = try inTraining { try layer(Tensor(v)) } }
    try see([-1, 3])
    #expect(try layer.low.value.scalar() == -1)
    #expect(try layer.high.value.scalar() == 3)
    try see([-3, 1])
    #expect(try layer.low.value.scalar() == -2)
    #expect(try layer.high.value.scalar() == 2)
    _ = try layer(Tensor([100] as [Float]))
    layer.isFrozen = true
    try see([-100, 100])
    #expect(try layer.low.value.scalar() == -2)
  }

  private func images(_ n: Int) throws -> (Tensor, Tensor) {
    try withSeed(1) {
      let kinds = try Tensor((0..<n).map { Int64($0 % 2) })
      let side = try Tensor((0..<8).map { Float($0 < 4 ? 1 : -1) })
      let sign = try kinds.cast(to: .float32).reshape([n, 1, 1, 1]) * 2 - 1
      return (try Tensor.normal([n, 1, 8, 8]) + sign * side, kinds)
    }
  }

  /// A net is trained, made aware, trained on, exported; the file's quantised graph has its
  /// numbers, with and without the compiler's integer kernels.
  @Test(arguments: [false, true]) func exportsAreQuantised(_ isGraph: Bool) throws {
    let (x, y) = try images(64)
    setSeed(1)
    let model: Network
    if isGraph {
      let input = Input(shape: [1, 8, 8])
      let a = try Conv2D(4, 3, padding: .same, activation: .relu)(input)
      let b = try a + Conv2D(4, 3, padding: .same, activation: .relu)(a)
      model = try Model(inputs: input, outputs: Dense(2)(Flatten()(b)))
    } else {
      model = try Sequential(input: [1, 8, 8]) {
        Conv2D(4, 3, activation: .relu)
        MaxPooling2D()
        Flatten()
        Dense(8, activation: .relu)
        Dense(2).named("head")
      }
    }
    func prepare(_ m: Network) {
      m.compile(
        optimizer: .keras.adam(learningRate: 0.01),
        loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy], threads: 1)
    }
    prepare(model)
    try model.fit(x, y, epochs: 3)
    let aware = try quantizationAware(model)
    #expect(aware.parameters.count == model.parameters.count)
    #expect(!aware.states.isEmpty)
    prepare(aware)
    try aware.fit(x, y, epochs: 2)
    aware.freezeRanges()
    let before = try aware.states.map { try $0.value.numbers() }
    try aware.fit(x, y, epochs: 1)
    #expect(try aware.states.map { try $0.value.numbers() } == before)
    #expect(try #require(aware.evaluate(x, y)["accuracy"]) > 0.9)

    let made = try exportedModel(aware, inputs: [("x", x.slice(0, from: 0, to: 2))]) {
      [("y", try $0($1[0]))]
    }
    if let folder = getenv("DLRUN_EXPORTS").map({ String(cString: $0) }) {
      try exportONNX(
        aware, to: "\(folder)/quantised \(isGraph).onnx",
        inputs: [("x", x.slice(0, from: 0, to: 2))]
      ) { [("y", try $0($1[0]))] }
    }
    let kinds = made.graph.nodes.map(\.type)
    let layers = 3
    // One for each input of a layer; weights are one more, or integers already.
    #expect(kinds.count { $0 == "QuantizeLinear" } >= layers)
    #expect(kinds.count { $0 == "DequantizeLinear" } == 2 * layers)
    #expect(!kinds.contains("StraightThrough"))
    let want = try aware.predict(x).numbers()
    for level in [OptimizationLevel.none, .all] {
      let session = try Session(made, options: SessionOptions(optimization: level))
      guard case .tensor(let got)? = try session.run(ordered: [.tensor(x)])[0] else {
        Issue.record("no result")
        return
      }
      let scale = want.map { abs($0) }.max() ?? 1
      for (a, b) in zip(try got.numbers(), want) { #expect(abs(a - b) <= 1e-5 * scale, "\(level)") }
    }
    #expect(throws: EngineError.self) { try quantizationAware(Sequential { Dense(2) }) }
  }
}
