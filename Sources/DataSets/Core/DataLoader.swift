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
  /// Batches that are read ahead, more where they are small, into the next epoch too; 0 reads when a
  /// batch is asked for.
  public let prefetch: Int
  public private(set) var position = Position()
  /// How long `fit` waited for batches so far, in seconds.
  public var secondsWaited: Double { secondsRead + (ahead?.secondsWaited ?? 0) }
  private var secondsRead = 0.0
  private var hasBegun = false
  private var isResumed = false
  private let reader: BatchReader
  private var ahead: Prefetcher?
  /// The place of the batch that the prefetcher gives next; nil when it gives none.
  private var comesNext: Position?

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
    reader = BatchReader(data, batchSize, shuffle: shuffle, seed: seed)
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
    if isResumed {
      isResumed = false
    } else if hasBegun {
      position = Position(epoch: position.epoch + 1)
    }
    hasBegun = true
    guard prefetch > 0, comesNext != position, let total = batchCount, total > 0 else { return }
    // From here on through all epochs to come: orders follow from their numbers.
    let (reader, start) = (self.reader, position)
    if ahead == nil { ahead = Prefetcher() }
    comesNext = position
    ahead?.begin(Int.max, ahead: prefetch) { k in
      let (epochs, batch) = (start.batch + k).quotientAndRemainder(dividingBy: total)
      return try reader.batch(batch, epoch: start.epoch + epochs)
    }
  }

  public func next() throws -> Batch? {
    guard let total = batchCount, position.batch < total else { return nil }
    let batch: Batch
    if comesNext == position, let ahead {
      comesNext = nil
      guard let made = try ahead.next() else { return nil }
      batch = made
      let isLast = position.batch + 1 == total
      comesNext =
        isLast
        ? Position(epoch: position.epoch + 1)
        : Position(epoch: position.epoch, batch: position.batch + 1)
    } else {
      let start = monotonicSeconds()
      batch = try reader.batch(position.batch, epoch: position.epoch)
      secondsRead += monotonicSeconds() - start
    }
    position.batch += 1
    return batch
  }
}

/// Reads batches by the epoch's number and theirs, one thread at a time.
private final class BatchReader: @unchecked Sendable {
  private let data: any DataSet
  private let batchSize: Int
  private let seed: UInt64?
  private var order: [Int] = []
  private var epoch = -1

  init(_ data: any DataSet, _ batchSize: Int, shuffle: Bool, seed: UInt64) {
    self.data = data
    self.batchSize = batchSize
    self.seed = shuffle ? seed : nil
  }

  func batch(_ k: Int, epoch: Int) throws -> Batch {
    let start = k * batchSize
    let end = min(start + batchSize, data.count)
    guard let seed else { return try data.batch(Array(start..<end)) }
    if epoch != self.epoch {
      order = DataOrder.permutation(data.count, seed: seed, epoch: epoch)
      self.epoch = epoch
    }
    return try data.batch(Array(order[start..<end]))
  }
}
