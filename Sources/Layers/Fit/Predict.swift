import Tensors
import Training

extension Network {
  /// Loss and metrics on samples, nothing trained.
  ///
  /// Errors: `.usage` before `compile`; `.shape`, `.dtype`, `.arity` for data that do not fit.
  public func evaluate(
    _ x: Tensor, _ y: Tensor, batchSize: Int = 32, sampleWeights: Tensor? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) throws -> Logs {
    try placed(file, line) {
      try evaluate(ArraySource([x], [y], weights: sampleWeights, batchSize: batchSize))
    }
  }

  /// Loss and metrics on batches of any source.
  public func evaluate(
    _ source: any BatchSource, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Logs {
    try placed(file, line) {
      let trainer = try compiled()
      if let arrays = source as? ArraySource { try build(for: arrays.inputs) }
      return try measure(trainer, source)
    }
  }

  /// The outputs for samples, in batches: that of a model of one output.
  public func predict(
    _ x: Tensor, batchSize: Int = 32, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Tensor { try predict([x], batchSize: batchSize, file: file, line: line)[0] }

  /// All outputs for samples of several inputs. Needs no `compile`.
  public func predict(
    _ inputs: [Tensor], batchSize: Int = 32, file: StaticString = #fileID, line: UInt = #line
  ) throws -> [Tensor] {
    try placed(file, line) {
      try build(for: inputs)
      let trainer = predictor()
      trainer.begin(self)
      let source = try ArraySource(inputs, batchSize: batchSize)
      try source.begin()
      var parts: [[Tensor]] = []
      while let batch = try source.next() {
        // The function's memory is written again by the next batch.
        for (i, y) in try trainer.test(self, batch).outputs.enumerated() {
          if i == parts.count { parts.append([]) }
          parts[i].append(source.batchCount == 1 && trainer.isEager ? y : try copy(y))
        }
      }
      return try withoutGradient { try parts.map { $0.count == 1 ? $0[0] : try concat($0) } }
    }
  }

  /// One step on one batch: loss and metrics before it.
  @discardableResult
  public func trainOnBatch(
    _ x: Tensor, _ y: Tensor, sampleWeights: Tensor? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) throws -> Logs {
    try trainOnBatch(Batch([x], [y], weights: sampleWeights), file: file, line: line)
  }

  /// One step on one batch of several inputs or outputs.
  @discardableResult
  public func trainOnBatch(
    _ batch: Batch, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Logs {
    try placed(file, line) {
      let trainer = try compiled()
      try build(for: batch.inputs)
      trainer.begin(self)
      return try logs(trainer, batch) { try trainer.step(self, batch) }
    }
  }

  /// Loss and metrics on one batch.
  public func testOnBatch(
    _ x: Tensor, _ y: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Logs {
    try placed(file, line) {
      let trainer = try compiled()
      try build(for: [x])
      trainer.begin(self)
      let batch = Batch([x], [y])
      return try logs(trainer, batch) { try trainer.test(self, batch) }
    }
  }

  /// The output for one batch.
  public func predictOnBatch(
    _ x: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Tensor {
    try placed(file, line) {
      try build(for: [x])
      let trainer = predictor()
      trainer.begin(self)
      return try copy(trainer.test(self, Batch([x], [])).outputs[0])
    }
  }

  private func logs(
    _ trainer: Trainer, _ batch: Batch, _ run: () throws -> StepOutcome
  ) throws -> Logs {
    let running = RunningFigures(trainer.metrics)
    let outcome = try run()
    running.add(loss: outcome.loss, of: batch.count)
    try trainer.measure(outcome, batch)
    return running.figures
  }

  /// A model that was never compiled predicts as well.
  private func predictor() -> Trainer {
    if let trainer { return trainer }
    if let plain { return plain }
    let made = Trainer(
      .keras.sgd(), [.meanSquaredError], [], [], schedule: nil, groups: [], isEager: false,
      threads: nil)
    plain = made
    return made
  }
}

/// The same contents in memory of its own.
private func copy(_ t: Tensor) throws(EngineError) -> Tensor {
  try Tensor(t.type) { (bytes) throws(EngineError) in
    t.withUnsafeBytes { bytes.copyMemory(from: $0) }
  }
}
