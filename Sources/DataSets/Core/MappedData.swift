import Layers

/// Another data set's batches, each changed by a closure: augmentation, scaling, other targets.
public struct MappedData: DataSet {
  public let base: any DataSet
  private let transform: @Sendable (Batch) throws -> Batch

  public init(_ base: any DataSet, _ transform: @escaping @Sendable (Batch) throws -> Batch) {
    self.base = base
    self.transform = transform
  }

  public var count: Int { base.count }
  public func batch(_ samples: [Int]) throws -> Batch { try transform(base.batch(samples)) }
}
