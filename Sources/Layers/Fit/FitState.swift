/// Where training stands: what callbacks see and change.
public final class FitState {
  /// The model that is trained.
  public let model: Network
  /// Epochs asked for.
  public let epochs: Int
  /// The epoch that runs, from 0. A callback that restores a run sets it when training begins.
  public var epoch: Int
  /// The batch of the epoch that was trained on last, from 0.
  public internal(set) var batch = 0
  /// Batches of an epoch; nil where that is not known.
  public let batchCount: Int?
  /// Loss and metrics so far; after validation, its figures under names with `val_`.
  public var logs = Logs()
  /// Whether training ends after this batch, or epoch.
  public var isStopped = false

  init(model: Network, epochs: Int, epoch: Int, batchCount: Int?) {
    self.model = model
    self.epochs = epochs
    self.epoch = epoch
    self.batchCount = batchCount
  }
}
