import Graphs
import Kernels
import Tensors

/// How a factor of FusedMatMul is read: its axes in another order, nothing moved.
public struct MatrixView: Hashable, Sendable {
  /// The last two axes are swapped.
  public let isTransposed: Bool
  /// The first axis stands behind the leading ones: `[M, ..., K]` is `[..., M, K]`.
  public let isBatchLast: Bool

  public init(isTransposed: Bool = false, isBatchLast: Bool = false) {
    self.isTransposed = isTransposed
    self.isBatchLast = isBatchLast
  }

  /// The sizes in the order in which a plain product takes them.
  func dims(_ d: [Dim]) -> [Dim] { order(d.count).map { d[$0] } }

  fileprivate func order(_ rank: Int) -> [Int] {
    guard rank > 1 else { return Array(0..<rank) }
    var axes = Array(0..<rank)
    if isBatchLast { axes = Array(1..<rank - 1) + [0, rank - 1] }
    if isTransposed { axes.swapAt(rank - 2, rank - 1) }
    return axes
  }

  /// A factor's matrices as they lie in memory.
  struct Layout {
    /// In the order in which a plain product takes them.
    let shape: Shape
    let rows: Int
    let columns: Int
    let batches: Int
    let matrix: GemmPlan.Layout
    /// Elements between neighbouring matrices.
    let step: Int
    /// Whether all rows of all matrices lie one after the other.
    let isContiguous: Bool
  }

  func layout(_ shape: Shape, vectorIsRow: Bool) -> Layout {
    let rank = shape.rank
    guard rank > 1 else {
      let n = shape.count
      return Layout(
        shape: shape, rows: vectorIsRow ? 1 : n, columns: vectorIsRow ? n : 1, batches: 1,
        matrix: vectorIsRow ? .init(row: n, column: 1) : .init(row: 1, column: 1), step: n,
        isContiguous: true)
    }
    let axes = order(rank)
    let last = shape[rank - 1]
    let turned = Shape(rank: rank) { shape[axes[$0]] }
    let batches = turned.count(of: 0..<rank - 2)
    let isSpread = isBatchLast && rank > 2
    let row = isSpread ? batches * last : last
    let step = isSpread ? last : turned[rank - 1] * turned[rank - 2]
    return Layout(
      shape: turned, rows: turned[rank - 2], columns: turned[rank - 1], batches: batches,
      matrix: isTransposed ? .init(row: 1, column: row) : .init(row: row, column: 1), step: step,
      isContiguous: !isTransposed && !isSpread)
  }
}

extension MatrixView {
  /// The matrices that the view shows, with their axes in order.
  func matrices<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
    let perm = order(try knownRank(b, x))
    return perm == perm.indices.map { $0 } ? x : try b.apply(Transpose(perm: perm), x)
  }
}
