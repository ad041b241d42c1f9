import Glibc
import Layers
import Tensors
import Testing
import Training

/// Recurrent layers whose batches go on from each other.
@Suite struct StatefulTests {
  @Test func valuesAreKeras() throws {
    let record = try #require(KerasRecord.all.first { $0.name == "stateful lstm" })
    let layer = LSTM(2, statefulBatch: 2)
    try layer.prepare(for: [[2, 4, 3]])
    // Keras has gates i, f, c, o along columns; ONNX i, o, f, c along rows.
    func gates(_ sizes: (Int, Int), _ k: Double) throws -> Tensor {
      func value(_ i: Int) -> Float { Float(0.5 * Glibc.cos(0.37 * Double(i) + k)) }
      var made: [Float] = []
      for g in [0, 3, 1, 2] {
        for u in 0..<2 { for r in 0..<sizes.0 { made.append(value(r * 8 + g * 2 + u)) } }
      }
      return try Tensor(shape: sizes.0 == 1 ? [8] : [8, sizes.0], made)
    }
    let cell = try #require(layer.cell as? LSTMCell)
    cell.kernel.value = try gates((3, 8), 0)
    cell.recurrent.value = try gates((2, 8), 1)
    cell.bias?.value = try gates((1, 8), 2)
    _ = try layer(record.inputs[0])
    if let d = try record.difference(layer(record.inputs[1])) { Issue.record("\(d)") }
    try layer.resetStates()
    #expect(try record.difference(layer(record.inputs[1])) != nil)
    #expect(throws: EngineError.self) { try layer(Tensor.zeros([3, 4, 3])) }
  }

  /// A long sequence in two halves is the sequence at once; in compiled training too.
  @Test func halvesAreTheWhole() throws {
    let x = try withSeed(1) { try Tensor.normal([4, 6, 3]) }
    for make in [
      { GRU(5, statefulBatch: $0) }, { LSTM(5, statefulBatch: $0) },
      { SimpleRNN(5, recurrentDropout: 0, statefulBatch: $0) },
    ] as [(Int?) -> RNN] {
      let (kept, plain) = (make(4), make(nil))
      let wanted = try plain(x)
      _ = try kept(x.slice(1, from: 0, to: 3))
      for (a, b) in zip(kept.parameters, plain.parameters) { a.value = b.value }
      try kept.resetStates()
      _ = try kept(x.slice(1, from: 0, to: 3))
      let got = try kept(x.slice(1, from: 3, to: 6))
      for (a, b) in zip(try got.numbers(), try wanted.numbers()) { #expect(abs(a - b) < 1e-6) }
    }
  }

  @Test func trainingKeepsStates() throws {
    let x = try withSeed(1) { try Tensor.normal([8, 3, 2]) }
    let y = try withSeed(2) { try Tensor.normal([8, 1]) }
    var results: [[Double]] = []
    for eager in [false, true] {
      setSeed(3)
      let model = try Sequential(input: [3, 2]) {
        LSTM(4, statefulBatch: 4)
        Dense(1)
      }
      model.compile(
        optimizer: .keras.sgd(learningRate: 0.1), loss: .meanSquaredError, eager: eager, threads: 1)
      results.append(try model.fit(x, y, epochs: 3, batchSize: 4, shuffle: false)["loss"])
      #expect(try model.states[0].value.numbers().contains { $0 != 0 })
      try model.resetStates()
      #expect(try model.states[0].value.numbers().allSatisfy { $0 == 0 })
      let error = #expect(throws: EngineError.self) { try model.predict(x, batchSize: 3) }
      #expect(error?.code == .shape)
    }
    for (a, b) in zip(results[0], results[1]) { #expect(abs(a - b) < 1e-5) }
  }
}
