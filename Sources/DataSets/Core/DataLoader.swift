import Layers
import Tensors

/// Batches of a data set for `fit`, in order or shuffled, read ahead on another thread.
///
/// The order of an epoch depends on the seed and the epoch's number alone. `position` says where
/// reading stands; given to another loader of the same data and settings, it goes on there, in the
/// middle of an epoch too.
public final class DataLoader: BatchSource {
  /// A place between two batches.
  public struct Position: Hashable, Sendable {
    /// From 0.
    public var epoch: Int
    /// Batches of it that were given.
    public var batch: Int
    public init(epoch: Int = 0, batch: Int = 0) {
      self.epoch = epoch
      self.batch = batch
    }

    /// `epoch:batch`, for the notes of a checkpoint.
    public var text: String { "\(epoch):\(batch)" }
    /// Nil for text that is no position.
    public init?(_ text: String) {
      let parts = text.split(separator: ":").map { Int($0) }
      guard parts.count == 2, let e = parts[0], let b = parts[1], e >= 0, b >= 0 else { return nil }
      self.init(epoch: e, batch: b)
    }
  }

  public let data: any DataSet
  public let batchSize: Int
  public let isShuffled: Bool
  public let seed: UInt64
  /// Whether a last batch of fewer samples is left out.
  public let dropsRest: Bool
  /// Batches that are read ahead; 0 reads when a batch is asked for.
  public let prefetch: Int
  public private(set) var position = Position()
  private var hasBegun = false
  private var isResumed = false
  private var order: [Int] = []
  private var ahead: Prefetcher?

  /// - Errors: `.value` for a batch size below 1 or no samples.
  public init(
    _ data: any DataSet, batchSize: Int = 32, shuffle: Bool = true, seed: UInt64 = 0,
    dropsRest: Bool = false, prefetch: Int = 2
  ) throws(EngineError) {
    guard batchSize > 0, data.count > 0 else {
      throw EngineError(
        .value, "no batches can be made", expected: "a batch size and samples, 1 or more of each",
        received: "\(batchSize) and \(data.count)")
    }
    self.data = data
    self.batchSize = batchSize
    isShuffled = shuffle
    self.seed = seed
    self.dropsRest = dropsRest
    self.prefetch = max(0, prefetch)
  }

  public var batchCount: Int? {
    dropsRest ? data.count / batchSize : (data.count + batchSize - 1) / batchSize
  }

  /// Goes on at a place, with the next `begin`.
  public func resume(at place: Position) {
    position = place
    hasBegun = false
    isResumed = true
  }

  public func begin() throws {
    ahead = nil
    if isResumed {
      isResumed = false
    } else if hasBegun {
      position = Position(epoch: position.epoch + 1)
    }
    hasBegun = true
    order =
      isShuffled
      ? DataOrder.permutation(data.count, seed: seed, epoch: position.epoch)
      : Array(0..<data.count)
    let first = position.batch
    let total = batchCount ?? 0
    guard prefetch > 0, total - first > 1 else { return }
    let (data, order, size) = (self.data, self.order, batchSize)
    ahead = Prefetcher(total - first, ahead: prefetch) { k in
      let start = (first + k) * size
      return try data.batch(Array(order[start..<min(start + size, order.count)]))
    }
  }

  public func next() throws -> Batch? {
    let start = position.batch * batchSize
    guard position.batch < batchCount ?? 0, start < order.count else { return nil }
    let batch: Batch
    if let ahead {
      guard let made = try ahead.next() else { return nil }
      batch = made
    } else {
      batch = try data.batch(Array(order[start..<min(start + batchSize, order.count)]))
    }
    position.batch += 1
    return batch
  }
}
