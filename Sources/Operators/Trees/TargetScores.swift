import Graphs
import Kernels
import Tensors

/// Turns sums over trees into the results of a regression.
struct TargetScores: Hashable, Sendable {
  enum Aggregate: String, Hashable, Sendable, CaseIterable {
    case average = "AVERAGE"
    case sum = "SUM"
    case least = "MIN"
    case largest = "MAX"

    var ofForest: DecisionForest.Aggregate {
      switch self {
      case .average, .sum: .sum
      case .least: .least
      case .largest: .largest
      }
    }
  }

  let aggregate: Aggregate
  let transform: TreeTransform
  /// Added to each target; empty where there is nothing to add.
  let base: [Double]

  /// Runs `kernel` over `x` and writes `[N, targets]`.
  ///
  /// One target takes no transform but PROBIT, as in ONNX Runtime: a softmax of one is of no use.
  func run<S: BinaryFloatingPoint, Y: BinaryFloatingPoint>(
    _ kernel: ForestKernel, targets: Int, trees: Int, _ x: UnsafeRawPointer,
    _ y: UnsafeMutablePointer<Y>, scratch: UnsafeMutableRawPointer, pool: ThreadPool, _: S.Type
  ) {
    let last: TreeTransform = targets == 1 && transform != .probit ? .none : transform
    let divisor: S = aggregate == .average ? S(trees) : 1
    base.withUnsafeBufferPointer { base in
      kernel.run(x, scratch: scratch, pool: pool, S.self) { (block: ForestKernel.Block<S>) in
        for k in 0..<targets {
          let add = k < base.count ? S(base[k]) : 0
          let column = block.sums + k * block.stride
          for r in 0..<block.count { column[r] = column[r] / divisor + add }
        }
        let out = y + block.first * targets
        if targets == 1 && last == .none {
          for r in 0..<block.count { out[r] = Y(block.sums[r]) }
          return
        }
        withUnsafeTemporaryAllocation(of: S.self, capacity: targets) { s in
          guard let s = s.baseAddress else { return }
          for r in 0..<block.count {
            for k in 0..<targets { s[k] = block.sums[k * block.stride + r] }
            last.apply(s, targets)
            for k in 0..<targets { out[r * targets + k] = Y(s[k]) }
          }
        }
      }
    }
  }
}
