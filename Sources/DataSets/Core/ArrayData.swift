import Layers
import Tensors

/// Samples that lie in tensors, along the first axis of each. Views of mapped files are read only
/// where a batch needs them, so they may be larger than memory.
public struct ArrayData: DataSet {
  public let inputs: [Tensor]
  public let targets: [Tensor]
  public let weights: Tensor?
  public let count: Int

  /// - Errors: `.shape` where tensors differ in the number of samples, or there is none.
  public init(
    _ inputs: [Tensor], _ targets: [Tensor] = [], weights: Tensor? = nil
  ) throws(EngineError) {
    let all = inputs + targets + (weights.map { [$0] } ?? [])
    let counts = all.map { $0.shape.rank > 0 ? $0.shape[0] : -1 }
    guard let count = counts.first, count > 0, counts.allSatisfy({ $0 == count }) else {
      throw EngineError(
        .shape, "the data do not have one number of samples",
        expected: "tensors with the same first size, of 1 or more",
        received: all.map { "\($0.shape)" }.joined(separator: ", "))
    }
    self.inputs = inputs
    self.targets = targets
    self.weights = weights
    self.count = count
  }

  public func batch(_ samples: [Int]) throws -> Batch {
    Batch(
      try inputs.map { t throws(EngineError) in try gatherRows(t, samples) },
      try targets.map { t throws(EngineError) in try gatherRows(t, samples) },
      weights: try weights.map { t throws(EngineError) in try gatherRows(t, samples) })
  }
}
