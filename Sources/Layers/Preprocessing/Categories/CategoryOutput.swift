import Tensors
import Training

/// What layers of categories give.
///
/// Of a number out of range, such as -1, nothing is set in vectors.
public enum CategoryOutput: String, Sendable {
  /// Their numbers, int64, in the input's shape.
  case integers
  /// A vector for each, 1 at its number; a last axis of one element is left out first.
  case oneHot
  /// One vector for the last axis of the input, 1 at each number that occurs.
  case multiHot
  /// One vector for the last axis of the input: how often each number occurs.
  case count
  /// `count` times weights that are larger the fewer documents a number occurs in.
  case tfIDF

  func shape(for shape: LayerShape, depth: Int) -> LayerShape {
    switch self {
    case .integers: shape
    case .oneHot:
      LayerShape(
        (dropsLast(shape.rank, shape[-1]) ? shape.sizes.dropLast() : shape.sizes) + [depth])
    default: LayerShape((shape.rank > 1 ? shape.sizes.dropLast() : shape.sizes) + [depth])
    }
  }

  private func dropsLast(_ rank: Int, _ size: Int?) -> Bool { rank > 1 && size == 1 }

  /// Numbers, int64, as this output. - `weights`: of `tfIDF`, `[depth]`.
  func encoded(
    _ ids: Tensor, depth: Int, dtype: DType, weights: Tensor? = nil
  ) throws -> Tensor {
    let rank = ids.shape.rank
    switch self {
    case .integers: return ids
    case .oneHot:
      let plain = dropsLast(rank, ids.shape[rank - 1]) ? try ids.squeeze([rank - 1]) : ids
      return try hot(plain, depth, dtype)
    case .multiHot:
      let all = try hot(ids, depth, dtype)
      return rank > 1 ? try all.max(axes: [rank - 1]) : all
    case .count, .tfIDF:
      var all = try hot(ids, depth, dtype)
      if rank > 1 { all = try all.sum(axes: [rank - 1]) }
      return try weights.map { try all * $0 } ?? all
    }
  }

  /// `OneHot` counts negative numbers from the end; here they are no number.
  private func hot(_ ids: Tensor, _ depth: Int, _ dtype: DType) throws -> Tensor {
    let known = try choose(ids.isLess(than: 0), ids.filledLike(Double(depth)), ids)
    return try known.oneHot(depth, dtype: dtype)
  }
}
