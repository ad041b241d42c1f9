import Glibc
import Layers
import Tensors
import Testing
import Training

/// Every layer against Keras, and what every layer keeps to.
@Suite struct EveryLayerTests {
  /// What keeps numbers from being the wanted ones within float32's precision, or nil.
  private func differs(_ got: [Double], _ want: [Double], _ tolerance: Double = 2e-5) -> String? {
    guard got.count == want.count else { return "\(got.count) numbers, expected \(want.count)" }
    let scale = max(1, want.map { abs($0) }.max() ?? 1)
    for (i, (a, b)) in zip(got, want).enumerated() where !(abs(a - b) <= tolerance * scale) {
      return "element \(i) is \(a), expected \(b)"
    }
    return nil
  }

  @Test func allCasesAreRead() {
    #expect(LayerRecord.all.count >= 130)
    #expect(Set(LayerRecord.all.map(\.name)) == Set(LayerCases.all.keys))
  }

  @Test(arguments: LayerRecord.all) func valuesAreKeras(_ record: LayerRecord) throws {
    let layer = try #require(try record.layer())
    #expect(Set(layer.parameters.map(\.name)) == Set(record.parameters.map(\.name)))
    let y = try inTraining(record.isTraining) {
      try layer(masked: record.tensors(), record.masks())
    }
    #expect(y.values.count == record.outputs.count)
    for (got, want) in zip(y.values, record.outputs) {
      #expect(got.shape.array == want.sizes)
      if let d = differs(try got.numbers(), want.values) { Issue.record("\(d)") }
    }
    for (k, s) in layer.states.enumerated() where k < record.states.count {
      if let d = differs(try s.value.numbers(), record.states[k].values) {
        Issue.record("state \(record.states[k].name): \(d)")
      }
    }
  }

  @Test(arguments: LayerRecord.all.filter { !$0.gradients.isEmpty })
  func gradientsAreKeras(_ record: LayerRecord) throws {
    let layer = try #require(try record.layer())
    let (inputs, masks) = (try record.tensors(), try record.masks())
    let real = record.isWhole ? [] : inputs
    let parameters = try record.parameters.map { try layer.parameter($0.name) }
    let before = parameters.map(\.value)
    defer { for (p, v) in zip(parameters, before) { p.value = v } }
    let got = try gradient(at: real + before) { xs in
      for (p, x) in zip(parameters, xs.dropFirst(real.count)) { p.value = x }
      let given = record.isWhole ? inputs : Array(xs.prefix(real.count))
      return try inTraining(record.isTraining) {
        try weighted(layer(masked: given, masks).values)
      }
    }
    #expect(got.count == record.gradients.count)
    let names = real.indices.map { "input \($0)" } + record.parameters.map(\.name)
    for (i, g) in got.enumerated() {
      if let d = differs(try g.numbers(), record.gradients[i], 5e-5) {
        Issue.record("gradient by \(names[i]): \(d)")
      }
    }
  }

  /// What is said without data is what comes out.
  @Test(arguments: LayerRecord.all) func shapesAreForeseen(_ record: LayerRecord) throws {
    let layer = try #require(try record.layer())
    let shapes = record.inputs.map { LayerShape([nil] + $0.dropFirst().map { Optional($0) }) }
    let told = try layer.outputShapes(for: shapes)
    #expect(told.count == record.outputs.count)
    for (shape, y) in zip(told, record.outputs) {
      #expect(shape == LayerShape([nil] + y.sizes.dropFirst().map { Optional($0) }))
    }
  }

  /// A compiled function has the eager one's values, also for other batches than it was made with.
  @Test(arguments: LayerRecord.all) func compiledIsEager(_ record: LayerRecord) throws {
    let layer = try #require(try record.layer())
    let inputs = try record.tensors()
    let masks: [Tensor] = try record.masks().compactMap { $0 }
    func body(_ layer: Layer, _ batch: [Tensor]) throws -> [Tensor] {
      try layer(
        masked: Array(batch.prefix(inputs.count)), Array(batch.dropFirst(inputs.count))
      ).values
    }
    let run = try CompiledFunction(layer, example: inputs + masks, threads: 1, body)
    let twice = try (inputs + masks).map { try concat([$0, $0]) }
    for batch in [inputs + masks, twice] {
      let want = try body(layer, batch)
      for (a, b) in zip(try run(batch), want) {
        #expect(a.shape == b.shape)
        if let d = differs(try a.numbers(), try b.numbers()) { Issue.record("\(d)") }
      }
    }
  }

  /// A layer that was never built takes the file of one that was, and another order of calls.
  @Test(arguments: LayerRecord.all.filter { !$0.parameters.isEmpty })
  func stepsAreAlike(_ record: LayerRecord) throws {
    let (a, b) = (try #require(try record.layer()), try #require(try record.layer()))
    let inputs = try record.tensors()
    let masks: [Tensor] = try record.masks().compactMap { $0 }
    func loss(_ layer: Layer, _ batch: [Tensor]) throws -> Tensor {
      let ys = try layer(
        masked: Array(batch.prefix(inputs.count)), Array(batch.dropFirst(inputs.count))
      ).values
      return try sumOf(ys.map { try $0.squared().mean() })
    }
    let rule = OptimizerRule.keras.sgd(learningRate: 0.1)
    let optimizer = try Optimizer(a, rule)
    let step = try CompiledStep(
      b, Optimizer(b, rule), example: inputs + masks, threads: 1, loss: loss)
    for _ in 0..<2 {
      let (value, gradients) = try valueAndGradient(of: a) { try loss($0, inputs + masks) }
      try optimizer.update(gradients)
      let other = try step(inputs + masks)
      #expect(abs(try value.scalar() - other) <= 1e-5 * max(1, abs(other)))
    }
    for (p, q) in zip(a.parameters, b.parameters) {
      if let d = differs(try p.value.numbers(), try q.value.numbers(), 1e-5) {
        Issue.record("\(p.name): \(d)")
      }
    }
  }

  /// A layer goes to ONNX; the file's answers are compared, for three sizes of the batch, before it
  /// is there.
  @Test(arguments: LayerRecord.all) func exportsAreRight(_ record: LayerRecord) throws {
    let layer = try #require(try record.layer())
    let inputs = try record.tensors()
    let masks: [Tensor] = try record.masks().compactMap { $0 }
    let path = "/tmp/dlrun-layer-\(UInt64.random(in: 0..<UInt64.max)).onnx"
    defer { unlink(path) }
    let named = (inputs + masks).enumerated().map { ("x\($0.offset)", $0.element) }
    try exportONNX(layer, to: path, inputs: named) { layer, batch in
      let values = try layer(
        masked: Array(batch.prefix(inputs.count)), Array(batch.dropFirst(inputs.count))
      ).values
      return values.enumerated().map { ("y\($0.offset)", $0.element) }
    }
  }
}
