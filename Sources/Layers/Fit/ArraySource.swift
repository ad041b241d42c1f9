import Tensors
import Training

/// Batches of tensors in memory, in order or shuffled.
///
/// The order of an epoch depends on the state of random numbers when it begins, so that a restored
/// checkpoint goes on as if nothing had been. Shuffled batches are gathered on another thread, into
/// memory that is used again.
public final class ArraySource: BatchSource {
  /// The inputs.
  public let inputs: [Tensor]
  /// The targets.
  public let targets: [Tensor]
  /// How much samples count; nil for all alike.
  public let weights: Tensor?
  /// Samples in a batch.
  public let batchSize: Int
  /// Whether each epoch has an order of its own.
  public let isShuffled: Bool
  /// Whether a last batch of fewer samples is left out.
  public let dropsRest: Bool
  /// How many there are.
  public let count: Int
  private var position = 0
  /// Those of shuffled batches.
  private let gatherer: RowGatherer?
  /// Whether another thread gathers: not worth it for short rows, which come more slowly from
  /// another processor's cache than they are gathered, and for short epochs.
  private let readsAhead: Bool
  private var ahead: Prefetcher?
  /// Batches made while that thread wakes up, the next one last.
  private var first: [Batch] = []

  /// - Errors: `.shape` where tensors differ in the number of samples, or there is none; `.value`
  ///   for a batch size below 1.
  public init(
    _ inputs: [Tensor], _ targets: [Tensor] = [], weights: Tensor? = nil, batchSize: Int = 32,
    shuffle: Bool = false, dropsRest: Bool = false
  ) throws(EngineError) {
    let all = inputs + targets + (weights.map { [$0] } ?? [])
    let counts = all.map { $0.shape.rank > 0 ? $0.shape[0] : -1 }
    guard let count = counts.first, count > 0, counts.allSatisfy({ $0 == count }) else {
      throw EngineError(
        .shape, "the data do not have one number of samples",
        expected: "tensors with the same first size, of 1 or more",
        received: all.map { "\($0.shape)" }.joined(separator: ", "))
    }
    guard batchSize > 0 else {
      throw EngineError(
        .value, "the batch size is out of range", expected: "1 or more", received: "\(batchSize)")
    }
    self.inputs = inputs
    self.targets = targets
    self.weights = weights
    self.batchSize = batchSize
    isShuffled = shuffle
    self.dropsRest = dropsRest
    self.count = count
    let bytes = all.reduce(0) { $0 + $1.byteCount }
    let batches = count / batchSize
    readsAhead =
      shuffle && batches >= 8 && bytes / batches >= 1 << 16 && hasSeveralProcessors()
    let limit = Prefetcher.limit(2, bytes: bytes / max(1, batches))
    gatherer =
      shuffle
      ? RowGatherer(
        inputs, targets, weights, batchSize: batchSize, count: count,
        depth: readsAhead ? 2 * limit + 4 : 4) : nil
  }

  /// How many batches an epoch has; nil where that is not known.
  public var batchCount: Int? {
    dropsRest ? count / batchSize : (count + batchSize - 1) / batchSize
  }

  /// Begins an epoch.
  public func begin() throws {
    position = 0
    guard let gatherer else { return }
    ahead?.stop()
    gatherer.begin(RandomPermutation(count))
    guard readsAhead, let total = batchCount else { return }
    first = [try gatherer.batch(0), try gatherer.batch(1)].reversed()
    if ahead == nil { ahead = Prefetcher() }
    ahead?.begin(total - 2, ahead: 2) { try gatherer.batch($0 + 2) }
  }

  /// The next batch; nil at the end.
  public func next() throws -> Batch? {
    let end = min(position + batchSize, count)
    guard position < end, !dropsRest || end - position == batchSize else { return nil }
    let start = position
    position = end
    if let gatherer {
      if !readsAhead { return try gatherer.batch(start / batchSize) }
      return try first.popLast() ?? ahead?.next()
    }
    var batch = Batch([], [])
    for x in inputs { batch.inputs.append(try part(x, start..<end)) }
    for y in targets { batch.targets.append(try part(y, start..<end)) }
    if let weights { batch.weights = try part(weights, start..<end) }
    return batch
  }

  private func part(_ t: Tensor, _ range: Range<Int>) throws(EngineError) -> Tensor {
    if range.count == count { return t }
    return t.dtype == .string ? try t.stringRows(range) : try t.rows(in: range)
  }

  /// The first samples and the last, a share of which goes to the second.
  ///
  /// Errors: `.value` for a share that leaves nothing on one side.
  func split(_ share: Double) throws -> (ArraySource, ArraySource) {
    let first = Int(Double(count) * (1 - share))
    guard share > 0, share < 1, first > 0, first < count else {
      throw EngineError(
        .value, "the share for validation leaves nothing on one side",
        expected: "between 0 and 1, for \(count) samples", received: "\(share)")
    }
    func part(_ from: Int, _ to: Int, _ shuffle: Bool) throws -> ArraySource {
      func cut(_ t: Tensor) throws -> Tensor { try t.slice(0, from: from, to: to) }
      return try ArraySource(
        inputs.map(cut), targets.map(cut), weights: weights.map(cut), batchSize: batchSize,
        shuffle: shuffle, dropsRest: shuffle && dropsRest)
    }
    return (try part(0, first, isShuffled), try part(first, count, false))
  }
}
