import Graphs
import Operators
import Tensors

/// What a constant mask hides.
enum CausalMask {
  /// Whether a constant shows query i the keys up to i and hides the others: true and false, or 0
  /// and a number too low to matter.
  static func isCausal(_ t: Tensor) -> Bool {
    let rank = t.shape.rank
    guard rank >= 2, t.shape.count(of: 0..<rank - 2) == 1 else { return false }
    let (rows, columns) = (t.shape[rank - 2], t.shape[rank - 1])
    guard rows == columns, rows > 1, t.dtype.isNumberOfBytes || t.dtype == .bool else {
      return false
    }
    for i in 0..<rows {
      for j in 0..<columns {
        guard let v = t.asDouble(i * columns + j) else { return false }
        let isShown = t.dtype == .bool ? v != 0 : v == 0
        let isHidden = t.dtype == .bool ? v == 0 : v <= AttentionScores.hidden
        if j <= i ? !isShown : !isHidden { return false }
      }
    }
    return true
  }
}
