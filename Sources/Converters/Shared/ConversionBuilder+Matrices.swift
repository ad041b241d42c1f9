import Graphs
import Tensors

/// Matrices along the last two axes.
extension ConversionBuilder {
  /// The last two axes exchanged.
  func turned(_ x: ValueID) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    guard rank >= 2 else { throw EngineError(.invalidModel, "a factor is no matrix") }
    return try arranged(x, Array(0..<(rank - 2)) + [rank - 1, rank - 2])
  }

  /// Matrices with the last axis of `x` as their diagonals and 0 elsewhere.
  func diagonal(_ x: ValueID) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    let wide = try unsqueeze(x, [rank])
    return try onnx(
      "Where", [try isDiagonal(wide, rank - 1, rank - 1), wide, try number(0, like: x)])
  }

  /// Square matrices with other diagonals.
  func setDiagonal(
    _ x: ValueID, _ values: ValueID
  ) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    guard rank >= 2, dims(x)?[rank - 2] == dims(x)?[rank - 1] else {
      throw EngineError(.unsupported, "diagonals of matrices that are not square")
    }
    let diagonal = try unsqueeze(values, [rank - 1])
    return try onnx("Where", [try isDiagonal(x, rank - 2, rank - 1), diagonal, x])
  }

  /// bool `[n, m]`: where row and column are the same, for the sizes of two axes of `x`.
  func isDiagonal(
    _ x: ValueID, _ rows: Int, _ columns: Int
  ) throws(EngineError) -> ValueID {
    func count(_ axis: Int) throws(EngineError) -> ValueID {
      try onnx(
        "Range",
        [try scalar(0), try squeeze(try size(x, axis), [0]), try scalar(1)])
    }
    return try onnx(
      "Equal", [try unsqueeze(try count(rows), [1]), try unsqueeze(try count(columns), [0])])
  }
}
