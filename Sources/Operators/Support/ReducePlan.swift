import Kernels
import Tensors

/// A reduction over any axes as folds along one axis each.
///
/// Neighbouring axes of one kind are one axis; the last reduced one is folded first. All results
/// but the last lie in scratch, alternating between two halves.
struct ReducePlan: Sendable {
  struct Stage: Sendable {
    let outer: Int
    let n: Int
    let inner: Int
  }
  let stages: [Stage]
  /// Elements that go into one result.
  let reducedCount: Int
  /// Results.
  let keptCount: Int

  /// `isReduced[i]` says whether axis `i` of `shape` is folded.
  init(_ shape: Shape, isReduced: [Bool]) {
    var groups: [(size: Int, isReduced: Bool)] = []
    var reduced = 1
    var kept = 1
    for i in 0..<shape.rank {
      if isReduced[i] { reduced *= shape[i] } else { kept *= shape[i] }
      if shape[i] == 1 { continue }
      if let last = groups.last, last.isReduced == isReduced[i] {
        groups[groups.count - 1].size *= shape[i]
      } else {
        groups.append((shape[i], isReduced[i]))
      }
    }
    var stages: [Stage] = []
    for (g, group) in groups.enumerated().reversed() where group.isReduced {
      let outer = groups[..<g].reduce(1) { $0 * $1.size }
      let inner = groups[g...].reduce(1) { $0 * ($1.isReduced ? 1 : $1.size) }
      stages.append(Stage(outer: outer, n: group.size, inner: inner))
    }
    // Without a reduced axis, each element is a reduction of itself.
    if stages.isEmpty { stages = [Stage(outer: kept, n: 1, inner: 1)] }
    self.stages = stages
    reducedCount = reduced
    keptCount = kept
  }

  /// Scratch for the results of all stages but the last.
  func scratchBytes(_ dtype: DType) -> Int {
    var most = 0
    for s in stages.dropLast() { most = max(most, s.outer * s.inner) }
    return 2 * half(most, dtype)
  }
  private func half(_ count: Int, _ dtype: DType) -> Int { (count * dtype.byteSize + 63) / 64 * 64 }

  /// Folds `x` into `y`.
  func run(
    _ fold: Fold, _ dtype: DType, _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let step = scratchBytes(dtype) / 2
    var from = x
    for i in 0..<stages.count {
      let s = stages[i]
      let to = i == stages.count - 1 ? y : scratch + i % 2 * step
      (i == 0 ? fold : fold.continued).run(
        dtype, from, outer: s.outer, n: s.n, inner: s.inner, into: to, pool: pool)
      from = UnsafeRawPointer(to)
    }
  }
}
