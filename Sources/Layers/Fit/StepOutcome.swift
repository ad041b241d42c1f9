import Tensors
import Training

/// What a step or a test on one batch gave. Tensors lie in memory that the next one writes again.
struct StepOutcome {
  /// Before the step; 0 where there are no targets.
  let loss: Double
  /// The outputs, and behind them the means.
  let results: ArraySlice<Tensor>
  /// Means that the compiled graph worked out, for metrics that take such.
  var means: [BatchMean] = []

  var outputCount: Int { results.count - means.count }
  var outputs: [Tensor] { Array(results.dropLast(means.count)) }
  func output(_ i: Int) -> Tensor { results[results.startIndex + i] }
}

/// A metric's mean over a batch as a result of the compiled graph.
struct BatchMean {
  /// Which of the trainer's metrics takes it.
  let metric: Int
  /// Elements that the mean is over, for each sample of the batch.
  let perSample: Double
}

extension Trainer {
  /// Takes a batch's figures into the metrics: means that are there, outputs for all others.
  func measure(_ outcome: StepOutcome, _ batch: Batch) throws {
    guard !metrics.isEmpty else { return }
    var next = 0
    for (i, metric) in metrics.enumerated() {
      if next < outcome.means.count, outcome.means[next].metric == i {
        let mean = try outcome.output(outcome.outputCount + next).scalar()
        metric.add(mean: mean, count: outcome.means[next].perSample * Double(batch.count))
        next += 1
      } else {
        try metric.update(outcome, batch)
      }
    }
  }

  /// The metrics' means of a batch, while a graph is captured; those of weighed samples are left to
  /// `update`.
  func batchMeans(
    _ outputs: [Tensor], _ batch: Batch
  ) throws -> (means: [BatchMean], values: [Tensor]) {
    var (means, values): ([BatchMean], [Tensor]) = ([], [])
    guard batch.weights == nil, batch.count > 0 else { return (means, values) }
    for (i, metric) in metrics.enumerated() {
      let k = metric.output
      guard k < outputs.count, k < batch.targets.count,
        let (mean, count) = try withoutGradient({
          try metric.batchMean(outputs[k], batch.targets[k])
        })
      else { continue }
      means.append(BatchMean(metric: i, perSample: Double(count) / Double(batch.count)))
      values.append(mean)
    }
    return (means, values)
  }
}
