import CAllocationCounter
import DLTrain
import Testing

/// What `fit` takes from the heap beside the step itself: a few small objects a step, whose number
/// does not grow with the batch or the model.
@Suite struct FitAllocationTests {
  @Test(.enabled(if: allocation_counter_works() != 0)) func fewerThanFortyAStep() throws {
    let (x, y) = try FitTests.clouds(640)
    for hidden in [8, 512] {
      let model = try Sequential(input: [4]) {
        Dense(hidden, activation: .relu)
        Dense(2)
      }
      let rule = OptimizerRule.keras.adam()
      let loss = LossFunction.sparseCategoricalCrossEntropy(fromLogits: true)
      model.compile(optimizer: rule, loss: loss, threads: 1)
      let step = try CompiledStep(
        model, Optimizer(model, rule), example: [x.rows(in: 0..<32), y.rows(in: 0..<32)], threads: 1
      ) { model, b in try loss(model(b[0]), b[1]) }
      let batch = [try x.rows(in: 0..<32), try y.rows(in: 0..<32)]
      for _ in 0..<3 { try step(batch) }
      allocation_counter_start()
      for _ in 0..<20 { try step(batch) }
      let bare = Double(allocation_counter_stop()) / 20
      try model.fit(x, y, epochs: 2, batchSize: 32)
      allocation_counter_start()
      try model.fit(x, y, epochs: 1, batchSize: 32)
      let short = allocation_counter_stop()
      allocation_counter_start()
      try model.fit(x, y, epochs: 4, batchSize: 32)
      let fitted = Double(allocation_counter_stop() - short) / 60
      print("allocations a step: bare \(bare), fit \(fitted)")
      #expect(fitted - bare < 40)
    }
  }
}
