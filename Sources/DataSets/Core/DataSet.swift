import Layers
import Tensors

/// Samples with numbers, of which any can be read at any time and from any thread.
///
/// ```swift
/// let (train, held) = try ArrayData([x], [y]).split(0.2, seed: 1)
/// let source = try DataLoader(train.map { batch in batch }, batchSize: 64, prefetch: 2)
/// try model.fit(source, epochs: 5)
/// ```
public protocol DataSet: Sendable {
  /// The number of samples.
  var count: Int { get }
  /// The samples of these numbers as one batch, in this order. Numbers may repeat.
  ///
  /// Errors: `.value` for a number that is no sample's; those of reading.
  func batch(_ samples: [Int]) throws -> Batch
}

extension DataSet {
  /// The samples of these numbers, in this order.
  public func subset(_ samples: [Int]) -> SubsetData { SubsetData(self, samples) }

  /// Two parts drawn at random, a share of the samples in the second; the same from the same seed.
  ///
  /// - `classes`: a class number for each sample; each class then gives the same share.
  /// - Errors: `.value` for a share that leaves nothing on one side.
  public func split(
    _ share: Double, seed: UInt64 = 0, classes: [Int]? = nil
  ) throws(EngineError) -> (SubsetData, SubsetData) {
    let (first, second) = try DataOrder.split(count, share, seed: seed, classes: classes)
    return (subset(first), subset(second))
  }

  /// The samples as `transform` makes them of whole batches, on the thread that reads.
  public func map(_ transform: @escaping @Sendable (Batch) throws -> Batch) -> MappedData {
    MappedData(self, transform)
  }

  /// Keeps samples in memory once they were read.
  public func cached() -> CachedData { CachedData(self) }
}

/// Errors: `.value` for a sample's number out of range.
func checkSamples(_ samples: [Int], _ count: Int) throws(EngineError) {
  for i in samples where i < 0 || i >= count {
    throw EngineError(
      .value, "no such sample", expected: "0 to \(count - 1)", received: "\(i)")
  }
}
