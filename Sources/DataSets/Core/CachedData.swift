import Layers
import Synchronization
import Tensors

/// Samples of another data set, kept in memory once they were read: for files that cost more to
/// decode than to keep. What a closure draws at random behind it stays random; before it, it is
/// drawn once.
public final class CachedData: DataSet {
  public let base: any DataSet
  private let known = Mutex<[Int: Batch]>([:])

  public init(_ base: any DataSet) { self.base = base }

  public var count: Int { base.count }

  public func batch(_ samples: [Int]) throws -> Batch {
    try checkSamples(samples, count)
    let there = known.withLock { table in samples.map { table[$0] } }
    var missing: [Int] = []
    for (i, sample) in samples.enumerated() where there[i] == nil { missing.append(sample) }
    var parts: [Int: Batch] = [:]
    if !missing.isEmpty {
      let made = try base.batch(missing)
      for (i, sample) in missing.enumerated() {
        parts[sample] = Batch(
          try made.inputs.map { t throws(EngineError) in try gatherRows(t, [i]) },
          try made.targets.map { t throws(EngineError) in try gatherRows(t, [i]) },
          weights: try made.weights.map { t throws(EngineError) in try gatherRows(t, [i]) })
      }
      let fresh = parts
      known.withLock { table in table.merge(fresh) { old, _ in old } }
    }
    return try joined(zip(samples, there).compactMap { $1 ?? parts[$0] })
  }

  private func joined(_ parts: [Batch]) throws(EngineError) -> Batch {
    guard let first = parts.first else { return Batch([], []) }
    var (inputs, targets): ([Tensor], [Tensor]) = ([], [])
    for k in first.inputs.indices { inputs.append(try joinRows(parts.map { $0.inputs[k] })) }
    for k in first.targets.indices { targets.append(try joinRows(parts.map { $0.targets[k] })) }
    let weights = parts.compactMap(\.weights)
    return Batch(inputs, targets, weights: weights.isEmpty ? nil : try joinRows(weights))
  }
}
