import Formats
import Layers
import Tensors

/// Batches of a table of numbers that is read row by row, ahead on another thread, so it may be larger
/// than memory.
///
/// With `buffer`, rows are shuffled within as many, by an order that depends on the seed and the
/// epoch alone. Inputs are float32 `[N, columns]`, targets float32 `[N, 1]`, missing cells NaN.
public final class TableStream: BatchSource {
  public let path: String
  public let features: [String]
  public let target: String
  public let batchSize: Int
  public let buffer: Int
  public let seed: UInt64
  /// Where reading stands, for a checkpoint; see `resume`.
  public private(set) var position = DataLoader.Position()
  /// How long `fit` waited for batches so far, in seconds.
  public var secondsWaited: Double { ahead?.secondsWaited ?? 0 }
  private let places: [Int]
  private var hasBegun = false
  private var isResumed = false
  private var ahead: Prefetcher?

  /// - Errors: those of reading the header, and `.usage` for names that it lacks.
  public init(
    _ path: String, features: [String], target: String, batchSize: Int = 32, buffer: Int = 0,
    seed: UInt64 = 0
  ) throws(EngineError) {
    guard batchSize > 0, buffer >= 0 else {
      throw EngineError(.value, "the batch size is out of range", expected: "1 or more")
    }
    self.path = path
    self.features = features
    self.target = target
    self.batchSize = batchSize
    // Whole batches, so that one never spans two blocks.
    self.buffer = (max(buffer, batchSize) + batchSize - 1) / batchSize * batchSize
    self.seed = seed
    isShuffled = buffer > 0
    places = try CSVReader(path: path).columns(named: features + [target])
  }

  public let isShuffled: Bool
  public var batchCount: Int? { nil }

  /// Goes on at a place with the next `begin`, which reads over the rows before it.
  public func resume(at place: DataLoader.Position) {
    position = place
    hasBegun = false
    isResumed = true
  }

  public func begin() throws {
    let skipped = isResumed ? position.batch : 0
    if hasBegun, !isResumed { position = .init(epoch: position.epoch + 1) }
    hasBegun = true
    isResumed = false
    position.batch = skipped
    let rows = BlockReader(
      try CSVReader(path: path), places, batchSize: batchSize, buffer: buffer,
      seed: isShuffled ? seed &+ UInt64(position.epoch) &* 0x9E37_79B9 : nil)
    if ahead == nil { ahead = Prefetcher() }
    ahead?.begin(.max, ahead: 2) { i in
      if i == 0 { try rows.skip(skipped) }
      return try rows.next()
    }
  }

  public func next() throws -> Batch? {
    guard let batch = try ahead?.next() else { return nil }
    position.batch += 1
    return batch
  }
}

/// Reads a table block by block, one thread at a time.
private final class BlockReader: @unchecked Sendable {
  private let reader: CSVReader
  private let places: [Int]
  private let batchSize: Int
  private let buffer: Int
  private let seed: UInt64?
  private var block = 0
  private var rows: Tensor?
  private var order: [Int] = []
  private var taken = 0

  init(_ reader: CSVReader, _ places: [Int], batchSize: Int, buffer: Int, seed: UInt64?) {
    self.reader = reader
    self.places = places
    self.batchSize = batchSize
    self.buffer = buffer
    self.seed = seed
  }

  func skip(_ batches: Int) throws {
    for _ in 0..<batches where try take() == nil { return }
  }

  func next() throws -> Batch? {
    guard let numbers = try take(), let rows else { return nil }
    let part = try gatherRows(rows, numbers)
    let width = places.count - 1
    let values = part.elements(Float.self)
    var (x, y): ([Float], [Float]) = ([], [])
    x.reserveCapacity(numbers.count * width)
    y.reserveCapacity(numbers.count)
    for r in 0..<numbers.count {
      x += values[r * (width + 1)..<r * (width + 1) + width]
      y.append(values[r * (width + 1) + width])
    }
    return Batch(
      [try Tensor(shape: [numbers.count, width], x)], [try Tensor(shape: [numbers.count, 1], y)])
  }

  /// The next rows' numbers within the block; nil at the end.
  private func take() throws(EngineError) -> [Int]? {
    if taken >= order.count {
      guard let next = try reader.nextBatch(rows: buffer, columns: places) else { return nil }
      rows = next
      order =
        seed.map { DataOrder.permutation(next.shape[0], seed: $0, epoch: block) }
        ?? Array(0..<next.shape[0])
      taken = 0
      block += 1
    }
    let end = min(taken + batchSize, order.count)
    defer { taken = end }
    return Array(order[taken..<end])
  }
}
