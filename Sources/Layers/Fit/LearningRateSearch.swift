import Glibc
import Tensors
import Training

/// What the loss does as the learning rate rises from step to step: what `findLearningRate` gives.
public struct LearningRateSearch: Sendable {
  /// The rate of each step, rising by one factor.
  public let rates: [Double]
  /// The loss of each step, smoothed: a moving average of weight 0.9 before, freed of its start.
  public let losses: [Double]

  /// The rate at which the loss falls fastest for its logarithm, by differences over five steps;
  /// nil where it never falls. The first tenth of the steps and the last five are left out: there
  /// the mean has too little behind it, and the loss has left.
  ///
  /// - Source: Smith 2017, "Cyclical learning rates"; the choice of fastai's `steep`.
  public var suggestion: Double? {
    var best: (rate: Double, slope: Double)?
    for i in max(2, rates.count / 10)..<max(rates.count - 5, max(2, rates.count / 10)) {
      let slope =
        (losses[i + 2] - losses[i - 2]) / (Glibc.log(rates[i + 2]) - Glibc.log(rates[i - 2]))
      if slope < 0, slope < best?.slope ?? 0 { best = (rates[i], slope) }
    }
    return best?.rate
  }
}

extension Network {
  /// Trains for some steps with a rising learning rate, to see which one to train with; afterwards
  /// weights, states, optimiser and random numbers are what they were.
  ///
  /// ```swift
  /// let search = try model.findLearningRate(x, y)
  /// model.learningRate = search.suggestion ?? 1e-3
  /// ```
  ///
  /// - `from`, `to`: the first and the last rate. - `steps`: of training; the data begins again
  ///   when it ends. - `stopsAt`: ends when the smoothed loss is so many times the least so far, or
  ///   no number.
  /// - Errors: `.usage` before `compile`, or without data; `.value` for rates that do not rise or
  ///   fewer than 2 steps.
  public func findLearningRate(
    _ x: Tensor, _ y: Tensor, from: Double = 1e-6, to: Double = 1, steps: Int = 100,
    batchSize: Int = 32, stopsAt: Double = 4, file: StaticString = #fileID, line: UInt = #line
  ) throws -> LearningRateSearch {
    try placed(file, line) {
      try findLearningRate(
        ArraySource([x], [y], batchSize: batchSize, shuffle: true), from: from, to: to,
        steps: steps, stopsAt: stopsAt)
    }
  }

  /// The same on batches of any source.
  public func findLearningRate(
    _ source: any BatchSource, from: Double = 1e-6, to: Double = 1, steps: Int = 100,
    stopsAt: Double = 4
  ) throws -> LearningRateSearch {
    guard from > 0, to > from, steps > 1 else {
      throw EngineError(
        .value, "the learning rates do not rise", expected: "0 < from < to, 2 steps or more",
        received: "\(from) to \(to), \(steps) steps")
    }
    if let arrays = source as? ArraySource { try build(for: arrays.inputs) }
    let factor = Glibc.log(to / from) / Double(steps - 1)
    let schedule = Schedule { from * Glibc.exp(factor * Double($0)) }
    return try withoutTraces(schedule: schedule) { trainer in
      var (rates, losses): ([Double], [Double]) = ([], [])
      var (mean, best) = (0.0, Double.infinity)
      var isFresh = true
      try source.begin()
      search: while rates.count < steps {
        guard let batch = try source.next() else {
          if isFresh { throw EngineError(.usage, "no batch to train on", expected: "data") }
          isFresh = true
          try source.begin()
          continue
        }
        isFresh = false
        try build(for: batch.inputs)
        if rates.isEmpty { trainer.begin(self) }
        let loss = try trainer.step(self, batch).loss
        mean = 0.9 * mean + 0.1 * loss
        let smooth = mean / (1 - Glibc.pow(0.9, Double(rates.count + 1)))
        guard smooth.isFinite else { break search }
        rates.append(schedule(rates.count))
        losses.append(smooth)
        if smooth > stopsAt * abs(best) { break search }
        best = min(best, smooth)
      }
      return LearningRateSearch(rates: rates, losses: losses)
    }
  }
}
