import Tensors
import Training

extension Network {
  /// Trains on samples and their targets.
  ///
  /// ```swift
  /// let history = try model.fit(x, y, epochs: 5, validation: .split(0.1))
  /// ```
  ///
  /// - `validation`: measured after each epoch, under names that begin with `val_`.
  /// - `classWeights`: how much samples of a class count, 1 where none is given. - `sampleWeights`:
  ///   `[N]`, or `[N, T]` for steps.
  /// - `firstEpoch`: where a run that was broken off goes on. - `mode`: see `FitMode`.
  /// - Result: loss and metrics of each epoch, as means over its batches.
  /// - Errors: `.usage` before `compile`; `.shape`, `.dtype`, `.arity` for data that do not fit;
  ///   what callbacks throw.
  @discardableResult
  public func fit(
    _ x: Tensor, _ y: Tensor, epochs: Int = 1, batchSize: Int = 32,
    validation: Validation = .none, shuffle: Bool = true, classWeights: [Int: Double] = [:],
    sampleWeights: Tensor? = nil, callbacks: [Callback] = [], firstEpoch: Int = 0,
    mode: FitMode = .full, file: StaticString = #fileID, line: UInt = #line
  ) throws -> History {
    try fit(
      inputs: [x], targets: [y], epochs: epochs, batchSize: batchSize, validation: validation,
      shuffle: shuffle, classWeights: classWeights, sampleWeights: sampleWeights,
      callbacks: callbacks, firstEpoch: firstEpoch, mode: mode, file: file, line: line)
  }

  /// Trains a model of several inputs or outputs. Class weights go by the first targets.
  @discardableResult
  public func fit(
    inputs: [Tensor], targets: [Tensor], epochs: Int = 1, batchSize: Int = 32,
    validation: Validation = .none, shuffle: Bool = true, classWeights: [Int: Double] = [:],
    sampleWeights: Tensor? = nil, callbacks: [Callback] = [], firstEpoch: Int = 0,
    mode: FitMode = .full, file: StaticString = #fileID, line: UInt = #line
  ) throws -> History {
    try placed(file, line) {
      let weights = try merged(classWeights, targets, sampleWeights)
      var source = try ArraySource(
        inputs, targets, weights: weights, batchSize: batchSize, shuffle: shuffle)
      var held: (any BatchSource)?
      switch validation {
      case .none: break
      case .split(let share): (source, held) = try source.split(share)
      case .data(let x, let y): held = try ArraySource([x], [y], batchSize: batchSize)
      case .source(let given): held = given
      }
      return try run(source, held, epochs, callbacks, firstEpoch, mode)
    }
  }

  /// Trains on batches from any source.
  @discardableResult
  public func fit(
    _ source: any BatchSource, epochs: Int = 1, validation: (any BatchSource)? = nil,
    callbacks: [Callback] = [], firstEpoch: Int = 0, mode: FitMode = .full,
    file: StaticString = #fileID, line: UInt = #line
  ) throws -> History {
    try placed(file, line) {
      try run(source, validation, epochs, callbacks, firstEpoch, mode)
    }
  }

  private func run(
    _ source: any BatchSource, _ validation: (any BatchSource)?, _ epochs: Int,
    _ callbacks: [Callback], _ firstEpoch: Int, _ mode: FitMode
  ) throws -> History {
    if let arrays = source as? ArraySource { try build(for: arrays.inputs) }
    // Those that save what others know come last.
    let ordered = callbacks.filter { !$0.comesLast } + callbacks.filter(\.comesLast)
    switch mode {
    case .full: return try run(compiled(), source, validation, epochs, ordered, firstEpoch)
    case .overfit(let count):
      return try run(
        compiled(), RepeatedBatches(source, count),
        validation.map { try RepeatedBatches($0, count) }, epochs, ordered, firstEpoch)
    case .fastRun:
      let first = try RepeatedBatches(source, 1)
      if inputShapes == nil {
        try first.begin()
        if let batch = first.next() { try build(for: batch.inputs) }
      }
      return try withoutTraces { trainer in
        try run(
          trainer, first, validation.map { try RepeatedBatches($0, 1) }, 1, [], 0)
      }
    }
  }

  private func run(
    _ trainer: Trainer, _ source: any BatchSource, _ validation: (any BatchSource)?,
    _ epochs: Int, _ callbacks: [Callback], _ firstEpoch: Int
  ) throws -> History {
    // Callbacks that restore a run need it before the first batch.
    if inputShapes != nil { _ = try trainer.optimizer(for: self) }
    let state = FitState(
      model: self, epochs: epochs, epoch: firstEpoch, batchCount: source.batchCount,
      callbacks: callbacks)
    var history = History()
    for c in callbacks { try c.trainingBegins(state) }
    history.firstEpoch = state.epoch
    do {
      while state.epoch < epochs, !state.isStopped {
        state.logs = Logs()
        for c in callbacks { try c.epochBegins(state) }
        state.logs = try epoch(trainer, source, state, callbacks)
        if let validation {
          for c in callbacks { try c.validationBegins(state) }
          let measured = try measure(trainer, validation)
          for c in callbacks { try c.validationEnds(state) }
          for (name, value) in measured { state.logs["val_\(name)"] = value }
        }
        history.epochs.append(state.logs)
        for c in callbacks { try c.epochEnds(state) }
        state.epoch += 1
      }
    } catch {
      for c in callbacks { try? c.trainingEnds(state) }
      throw error
    }
    history.stoppedEarly = state.isStopped
    for c in callbacks { try c.trainingEnds(state) }
    return history
  }

  private func epoch(
    _ trainer: Trainer, _ source: any BatchSource, _ state: FitState, _ callbacks: [Callback]
  ) throws -> Logs {
    let running = RunningFigures(trainer.metrics)
    trainer.begin(self)
    try source.begin()
    let watchers = callbacks.filter(\.watchesBatches)
    state.batch = 0
    state.running = running
    defer { state.running = nil }
    let isWatched = !watchers.isEmpty
    while !state.isStopped, let batch = try source.next() {
      if inputShapes == nil { try build(for: batch.inputs) }
      let outcome = try trainer.step(self, batch)
      running.add(loss: outcome.loss, of: batch.count)
      try trainer.measure(outcome, batch)
      if isWatched {
        state.isBehind = true
        state.batchLoss = outcome.loss
        for c in watchers { try c.batchEnds(state) }
      }
      state.batch += 1
    }
    guard running.count > 0 || state.isStopped else {
      throw EngineError(.usage, "an epoch without a batch", expected: "data to train on")
    }
    return running.figures
  }

  /// Loss and metrics over batches, nothing trained.
  func measure(_ trainer: Trainer, _ source: any BatchSource) throws -> Logs {
    let running = RunningFigures(trainer.metrics)
    trainer.begin(self)
    try source.begin()
    while let batch = try source.next() {
      let outcome = try trainer.test(self, batch)
      running.add(loss: outcome.loss, of: batch.count)
      try trainer.measure(outcome, batch)
    }
    guard running.count > 0 else {
      throw EngineError(.usage, "nothing to measure", expected: "a batch of data")
    }
    return running.figures
  }

  /// The weights of samples times those of their classes.
  private func merged(
    _ classes: [Int: Double], _ targets: [Tensor], _ samples: Tensor?
  ) throws -> Tensor? {
    guard !classes.isEmpty, let first = targets.first else { return samples }
    // Distributions have their class where they are largest.
    let isHot = first.shape.rank > 1 && first.shape[first.shape.rank - 1] > 1
    let numbers = try (isHot ? first.argMax() : first.raveled()).numbers()
    guard numbers.count == first.shape[0] else {
      throw EngineError(
        .shape, "class weights need one class a sample", expected: "\(first.shape[0])",
        received: "\(numbers.count) from targets \(first.shape)",
        hint: "give sampleWeights instead")
    }
    let made = try Tensor(numbers.map { Float(classes[Int($0)] ?? 1) })
    return try samples.map { try made * $0.cast(to: .float32) } ?? made
  }
}

/// Errors of the engine get the user's line where they lack one.
func placed<R>(_ file: StaticString, _ line: UInt, _ body: () throws -> R) throws -> R {
  do { return try body() } catch let error as EngineError {
    throw error.atCaller(file, line)
  }
}
