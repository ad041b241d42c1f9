import Training

/// Lowers the learning rate when a figure stops improving.
///
/// - `factor`: of the rate, each time. - `patience`: epochs without improvement that are borne.
///   `cooldown`: epochs of rest after that. - `smallest`: below which the rate does not go.
/// - Errors: `.usage` for a figure that is not measured. - Source: Keras 3 ReduceLROnPlateau.
public final class ReduceOnPlateau: Callback {
  /// What it multiplies by.
  public let factor: Double
  /// Epochs without improvement that are borne.
  public let patience: Int
  /// Epochs of rest after a change.
  public let cooldown: Int
  /// Below which the rate does not go.
  public let smallest: Double
  private var monitor: Monitor
  private var waited = 0
  private var resting = 0

  public init(
    _ name: String = "val_loss", factor: Double = 0.1, patience: Int = 10,
    leastChange: Double = 1e-4, mode: MonitorMode = .automatic, cooldown: Int = 0,
    smallest: Double = 0
  ) {
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    self.smallest = smallest
    monitor = Monitor(name, mode, leastChange: leastChange)
    super.init()
  }

  public override func trainingBegins(_ state: FitState) {
    monitor.best = nil
    (waited, resting) = (0, 0)
  }

  public override func epochEnds(_ state: FitState) throws {
    let value = try monitor.value(state.logs)
    state.logs["learning_rate"] = state.model.learningRate
    if resting > 0 {
      resting -= 1
      waited = 0
    }
    if monitor.take(value) {
      waited = 0
    } else if resting == 0 {
      waited += 1
      if waited >= patience {
        let rate = state.model.learningRate
        if rate > smallest { state.model.learningRate = max(rate * factor, smallest) }
        resting = cooldown
        waited = 0
      }
    }
  }

  /// The best figure, and epochs waited and rested.
  public override var memory: CallbackMemory {
    var m = CallbackMemory(notes: ["waited": "\(waited)", "resting": "\(resting)"])
    if let best = monitor.best { m.notes["best"] = "\(best)" }
    return m
  }

  public override func recall(_ memory: CallbackMemory, _ state: FitState) {
    waited = memory.integer("waited") ?? 0
    resting = memory.integer("resting") ?? 0
    monitor.best = memory.number("best")
  }
}
