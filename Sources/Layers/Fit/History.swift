/// What `fit` measured in each epoch.
public struct History: Sendable {
  /// One for each epoch, in order.
  public internal(set) var epochs: [Logs] = []
  /// Number of the first epoch, from 0.
  public internal(set) var firstEpoch = 0
  /// Whether a callback ended training before the last epoch.
  public internal(set) var stoppedEarly = false

  /// A figure in all epochs that have it, such as `"loss"` or `"val_accuracy"`.
  public subscript(name: String) -> [Double] { epochs.compactMap { $0[name] } }
}
