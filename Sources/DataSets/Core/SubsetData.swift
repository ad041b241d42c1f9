import Layers
import Tensors

/// Some samples of another data set, under numbers of their own.
public struct SubsetData: DataSet {
  public let base: any DataSet
  /// The samples' numbers in `base`.
  public let samples: [Int]

  public init(_ base: any DataSet, _ samples: [Int]) {
    self.base = base
    self.samples = samples
  }

  public var count: Int { samples.count }

  public func batch(_ numbers: [Int]) throws -> Batch {
    try checkSamples(numbers, count)
    return try base.batch(numbers.map { samples[$0] })
  }
}
