import Tensors

/// Batches that a closure makes: data larger than memory, or made up on the way.
///
/// ```swift
/// let source = ClosureSource(batches: 100) { i in Batch([try read(i)], [try labels(i)]) }
/// ```
public final class ClosureSource: BatchSource {
  /// How many batches an epoch has; nil where that is not known.
  public let batchCount: Int?
  private let make: (Int) throws -> Batch?
  private var position = 0

  /// - `batches`: how many; nil to go on until `make` gives nil.
  public init(batches: Int? = nil, _ make: @escaping (Int) throws -> Batch?) {
    batchCount = batches
    self.make = make
  }

  /// Begins an epoch.
  public func begin() { position = 0 }

  /// The next batch; nil at the end.
  public func next() throws -> Batch? {
    if let batchCount, position >= batchCount { return nil }
    defer { position += 1 }
    return try make(position)
  }
}
