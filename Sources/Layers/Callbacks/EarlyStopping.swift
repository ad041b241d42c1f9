import Tensors
import Training

/// Ends training when a figure stops improving, and gives the model the weights of its best epoch.
///
/// - `patience`: epochs without improvement that are borne. - `leastChange`: what counts as
///   improvement. - `baseline`: what must be reached within `patience` epochs. - `firstEpoch`:
///   where watching begins.
/// - `restoresBest`: whether the best weights are restored, states included: in every case, whether
///   training was ended here, ran out of epochs or failed.
/// - Errors: `.usage` for a figure that is not measured. - Source: Keras 3 EarlyStopping, which
///   restores only when asked to.
public final class EarlyStopping: Callback {
  /// Epochs without improvement that are borne.
  public let patience: Int
  /// Whether the best weights are restored.
  public let restoresBest: Bool
  /// What must be reached.
  public let baseline: Double?
  /// Where it begins.
  public let firstEpoch: Int
  /// The epoch with the best figure; nil before.
  public private(set) var bestEpoch: Int?
  private var monitor: Monitor
  private var waited = 0
  private var weights: Snapshot?

  public init(
    _ name: String = "val_loss", patience: Int = 0, leastChange: Double = 0,
    mode: MonitorMode = .automatic, restoresBest: Bool = true, baseline: Double? = nil,
    firstEpoch: Int = 0
  ) {
    self.patience = patience
    self.restoresBest = restoresBest
    self.baseline = baseline
    self.firstEpoch = firstEpoch
    monitor = Monitor(name, mode, leastChange: leastChange)
    super.init()
  }

  public override func trainingBegins(_ state: FitState) {
    monitor.best = nil
    bestEpoch = nil
    weights = nil
    waited = 0
  }

  public override func epochEnds(_ state: FitState) throws {
    let value = try monitor.value(state.logs)
    guard state.epoch >= firstEpoch else { return }
    waited += 1
    if monitor.take(value) {
      bestEpoch = state.epoch
      if restoresBest { weights = Snapshot(state.model) }
      let isThere = baseline.map { monitor.isRising ? value > $0 : value < $0 } ?? true
      if isThere { waited = 0 }
    }
    if waited > 0, waited >= patience, state.epoch > firstEpoch { state.isStopped = true }
  }

  public override func trainingEnds(_ state: FitState) {
    weights?.restore()
    weights = nil
  }

  /// The best figure, its epoch and weights, and how long nothing was better.
  public override var memory: CallbackMemory {
    var m = CallbackMemory(notes: ["waited": "\(waited)"], tensors: weights?.named ?? [])
    if let best = monitor.best { m.notes["best"] = "\(best)" }
    if let bestEpoch { m.notes["bestEpoch"] = "\(bestEpoch)" }
    return m
  }

  public override func recall(_ memory: CallbackMemory, _ state: FitState) throws {
    waited = memory.integer("waited") ?? 0
    monitor.best = memory.number("best")
    bestEpoch = memory.integer("bestEpoch")
    weights = memory.tensors.isEmpty ? nil : try Snapshot(state.model, memory.tensors)
  }
}
