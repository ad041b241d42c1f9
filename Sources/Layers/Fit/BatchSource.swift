import Tensors

/// Where `fit`, `evaluate` and `predict` get batches from: arrays by `ArraySource`, or anything
/// else.
public protocol BatchSource: AnyObject {
  /// How many batches an epoch has; nil where that is not known.
  var batchCount: Int? { get }
  /// Begins an epoch, its order drawn anew where it is shuffled.
  func begin() throws
  /// The next batch; nil at the end of the epoch.
  func next() throws -> Batch?
}
