import Graphs
import Kernels
import Tensors

/// Turns sums over trees into class scores and the place of the winning class.
///
/// The rules for two classes are ONNX Runtime's: where all weights go to one class, its score is a
/// probability (all weights at least 0: above 0.5 wins) or a margin (above 0 wins), and the other
/// class's score follows from it. With more classes the first largest score wins, of the classes
/// that got any weight or base value.
struct ClassScores: Hashable, Sendable {
  /// How it is known whether a class got a weight at all.
  enum Presence: Hashable, Sendable {
    case fixed([Bool])
    /// All weights are above 0: whoever has a score.
    case positive
    case tracked
  }

  let classes: Int
  let transform: TreeTransform
  let base: [Double]
  let presence: Presence
  /// Two classes, and all weights go to the same.
  let isBinary: Bool
  let isPositive: Bool

  init(_ forest: DecisionForest, classes: Int, transform: TreeTransform, base: [Double]) {
    self.classes = classes
    self.transform = transform
    self.base = base
    var possible = [Bool](repeating: false, count: classes)
    for t in forest.targets { possible[t] = true }
    isPositive = !forest.weights.contains { $0 < 0 }
    isBinary = classes == 2 && possible.filter { $0 }.count == 1
    if classes > 2 && base.count == classes {
      presence = .fixed([Bool](repeating: true, count: classes))
    } else if !forest.weights.contains(where: { !($0 > 0) }) {
      presence = .positive
    } else if Self.certain(forest, classes) == possible {
      presence = .fixed(possible)
    } else {
      presence = .tracked
    }
  }

  /// The classes that get a weight from some tree whichever leaf a row reaches.
  private static func certain(_ forest: DecisionForest, _ classes: Int) -> [Bool] {
    var result = [Bool](repeating: false, count: classes)
    var seen = [Bool](repeating: false, count: forest.nodes.count)
    for root in forest.roots {
      var common: Set<Int>?
      var open = [root]
      while let at = open.popLast() {
        guard at >= 0 else {
          let own = Set(forest.targets[forest.starts[~at]..<forest.starts[~at + 1]])
          common = common?.intersection(own) ?? own
          continue
        }
        guard !seen[at] else { continue }
        seen[at] = true
        open.append(forest.nodes[at].yes)
        open.append(forest.nodes[at].no)
      }
      for k in common ?? [] { result[k] = true }
    }
    return result
  }

  /// Runs `kernel` over `x`; writes `[N, classes]` of scores and the winners' places among the
  /// classes, where they are wanted.
  func run<S: BinaryFloatingPoint>(
    _ kernel: ForestKernel, _ x: UnsafeRawPointer, scores z: UnsafeMutablePointer<Float>?,
    winners: UnsafeMutablePointer<Int64>?, labels: [Int], scratch: UnsafeMutableRawPointer,
    pool: ThreadPool, _: S.Type
  ) {
    let n = classes
    base.withUnsafeBufferPointer { base in
      labels.withUnsafeBufferPointer { labels in
        kernel.run(x, scratch: scratch, pool: pool, S.self) { (block: ForestKernel.Block<S>) in
          withUnsafeTemporaryAllocation(of: S.self, capacity: n + 2) { s in
            withUnsafeTemporaryAllocation(of: Bool.self, capacity: n + 2) { has in
              guard let s = s.baseAddress, let has = has.baseAddress else { return }
              for k in 0..<n { if case .fixed(let known) = presence { has[k] = known[k] } }
              let isTracked = presence == .tracked
              let isPresent = presence == .positive
              for r in 0..<block.count {
                for k in 0..<n {
                  s[k] = block.sums[k * block.stride + r]
                  if isPresent { has[k] = s[k] > 0 }
                  if isTracked, let h = block.has { has[k] = h[k * block.stride + r] != 0 }
                }
                let row = block.first + r
                let winner = n == 2 ? finishTwo(s, has, base) : finishMany(s, has, base)
                if let winners { winners[row] = Int64(labels[min(winner, labels.count - 1)]) }
                guard let z else { continue }
                for k in 0..<n { z[row * n + k] = Float(s[k]) }
              }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func finishMany<S: BinaryFloatingPoint>(
    _ s: UnsafeMutablePointer<S>, _ has: UnsafeMutablePointer<Bool>,
    _ base: UnsafeBufferPointer<Double>
  ) -> Int {
    for k in 0..<min(base.count, classes) { s[k] += S(base[k]) }
    var winner = -1
    for k in 0..<classes where has[k] || k < base.count {
      if winner < 0 || s[k] > s[winner] { winner = k }
    }
    transform.apply(s, classes)
    return max(winner, 0)
  }

  @inline(__always)
  private func finishTwo<S: BinaryFloatingPoint>(
    _ s: UnsafeMutablePointer<S>, _ has: UnsafeMutablePointer<Bool>,
    _ base: UnsafeBufferPointer<Double>
  ) -> Int {
    // A lone score stands for both classes.
    let isPair = has[1] || base.count == 2
    if base.count == 2 {
      if has[1] {
        s[1] = S(base[1]) + s[0]
        s[0] = -s[1]
      } else {
        s[0] += S(base[0])
      }
    } else if base.count == 1 {
      s[0] += S(base[0])
    }
    let positive = has[1] ? s[1] : s[0]
    let isProbability = isBinary && isPositive
    let isYes = isProbability ? positive > 0.5 : positive > 0
    if isPair {
      if !has[0] { s[0] = 0 }
      if !has[1] { s[1] = 0 }
      transform.apply(s, 2)
    } else if transform == .probit {
      s[0] = TreeTransform.probit(s[0])
    } else if !isBinary && base.count == 1 {
      s[1] = 0
    } else if transform == .logistic {
      s[1] = TreeTransform.logistic(s[0])
      s[0] = TreeTransform.logistic(-s[0])
    } else {
      s[1] = s[0]
      s[0] = isProbability ? 1 - s[0] : -s[0]
    }
    return isYes ? 1 : 0
  }
}
