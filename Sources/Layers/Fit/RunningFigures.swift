/// The loss and the metrics of the batches so far.
final class RunningFigures {
  private let metrics: [Metric]
  private var total = 0.0
  private(set) var count = 0

  /// Begins anew, and so do the metrics.
  init(_ metrics: [Metric]) {
    self.metrics = metrics
    for m in metrics { m.reset() }
  }

  /// Takes in the mean loss of so many samples.
  func add(loss: Double, of samples: Int) {
    total += loss * Double(samples)
    count += samples
  }

  var figures: Logs {
    var logs = Logs()
    logs["loss"] = total / Double(max(count, 1))
    for m in metrics { logs[m.name] = m.result }
    return logs
  }
}
