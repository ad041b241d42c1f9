import CKernels

/// A forest of any kind, row by row: the oracle of the packed kernels.
final class PlainForest: @unchecked Sendable {
  private let nodes: [dl_tree_plain_node]
  private let members: [Double]
  private let roots: [Int32]
  private let starts: [UInt64]
  private let targets: [UInt32]
  private let weights: [Double]
  private let aggregate: Int32

  init(_ f: DecisionForest) {
    nodes = f.nodes.map {
      dl_tree_plain_node(
        value: $0.value, feature: UInt32($0.feature), yes: Int32($0.yes), no: Int32($0.no),
        first: UInt32($0.members.lowerBound), count: UInt32($0.members.count),
        mode: $0.mode.rawValue, nan_is_yes: $0.nanIsYes ? 1 : 0)
    }
    members = f.members
    roots = f.roots.map { Int32($0) }
    starts = f.starts.map { UInt64($0) }
    targets = f.targets.map { UInt32($0) }
    weights = f.weights
    aggregate = f.aggregate.rawValue
  }

  /// `x` is scratch of two rows of double.
  func run<S: BinaryFloatingPoint>(
    _ from: UnsafeRawPointer, _ dtype: Int32, _ features: Int, _ count: Int, _ stride: Int,
    _ targetCount: Int, _ x: UnsafeMutableRawPointer, _ sums: UnsafeMutablePointer<S>,
    _ has: UnsafeMutablePointer<UInt8>, isNarrow: Bool
  ) {
    let row = x.assumingMemoryBound(to: Double.self)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: targetCount) { score in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: targetCount) { present in
        guard let score = score.baseAddress, let present = present.baseAddress else { return }
        for r in 0..<count {
          let place = r * features
          for i in 0..<features {
            switch dtype {
            case 0: row[i] = Double(from.assumingMemoryBound(to: Float.self)[place + i])
            case 1: row[i] = from.assumingMemoryBound(to: Double.self)[place + i]
            case 2: row[i] = Double(Float(from.assumingMemoryBound(to: Int32.self)[place + i]))
            default: row[i] = Double(Float(from.assumingMemoryBound(to: Int64.self)[place + i]))
            }
          }
          for k in 0..<targetCount {
            score[k] = 0
            present[k] = 0
          }
          dl_forest_plain_row(
            nodes, members, roots, Int64(roots.count), starts, targets, weights, row, aggregate,
            isNarrow ? 1 : 0, score, present)
          for k in 0..<targetCount {
            sums[k * stride + r] = S(score[k])
            has[k * stride + r] = present[k]
          }
        }
      }
    }
  }
}
