import Graphs
import Tensors

/// Bands and diagonals of matrices.
enum TFMatrices {
  static let operators: [TFOperator] =
    [
      TFOperator("MatrixBandPart") { (c) throws(EngineError) in
        let b = c.b
        var x = try c.tensor(0)
        let isBool = b.dtype(x) == .bool
        if isBool { x = try b.cast(x, .int32) }
        let (below, above) = (try c.int(1), try c.int(2))
        if below >= 0 {
          x = try b.onnx("Trilu", [x, try b.scalar(-below)], [.int("upper", 1)])
        }
        if above >= 0 { x = try b.onnx("Trilu", [x, try b.scalar(above)], [.int("upper", 0)]) }
        return isBool ? try b.cast(x, .bool) : x
      },
      TFOperator("MatrixDeterminant", as: "Det"),
    ]
    + ["MatrixDiag", "MatrixDiagV2", "MatrixDiagV3", "Diag"].map { name in
      TFOperator(name, "the main diagonal") { (c) throws(EngineError) in
        try checkMain(c, 1)
        return try diagonal(c.b, try c.tensor(0))
      }
    }
    + ["MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3", "DiagPart"].map { name in
      TFOperator(name, "the main diagonal") { (c) throws(EngineError) in
        let b = c.b
        try checkMain(c, 1)
        let x = try c.tensor(0)
        let rank = try b.rank(x)
        guard rank >= 2, let d = b.dims(x), let rows = d[rank - 2].known,
          let columns = d[rank - 1].known
        else { throw EngineError(.unsupported, "the sizes of the matrices are not known") }
        let zero = try b.number(0, like: x)
        let masked = try b.onnx(
          "Where", [try isDiagonal(b, x, rank - 2, rank - 1), x, zero])
        let sum = try b.onnx(
          "ReduceSum", [masked, try b.ints([-1])], [.int("keepdims", 0)])
        return rows > columns ? try b.slice(sum, [0], [columns], axes: [rank - 2]) : sum
      }
    }
    + ["MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3"].map { name in
      TFOperator(name, "the main diagonal") { (c) throws(EngineError) in
        if c.has(2) { try checkMain(c, 2) }
        return try setDiagonal(c.b, try c.tensor(0), try c.tensor(1))
      }
    }

  /// Matrices with the last axis of `x` as their diagonals and 0 elsewhere.
  static func diagonal(_ b: ConversionBuilder, _ x: ValueID) throws(EngineError) -> ValueID {
    let rank = try b.rank(x)
    let wide = try b.unsqueeze(x, [rank])
    return try b.onnx(
      "Where", [try isDiagonal(b, wide, rank - 1, rank - 1), wide, try b.number(0, like: x)])
  }

  /// Square matrices with other diagonals.
  static func setDiagonal(
    _ b: ConversionBuilder, _ x: ValueID, _ values: ValueID
  ) throws(EngineError) -> ValueID {
    let rank = try b.rank(x)
    guard rank >= 2, b.dims(x)?[rank - 2] == b.dims(x)?[rank - 1] else {
      throw EngineError(.unsupported, "diagonals of matrices that are not square")
    }
    let diagonal = try b.unsqueeze(values, [rank - 1])
    return try b.onnx("Where", [try isDiagonal(b, x, rank - 2, rank - 1), diagonal, x])
  }

  /// Newer versions name the diagonals: input `i`.
  private static func checkMain(_ c: TFCall, _ i: Int) throws(EngineError) {
    guard c.has(i) else { return }
    guard Set(try c.ints(i)) == [0] else {
      throw EngineError(.unsupported, "only the main diagonal is converted")
    }
  }

  /// bool `[n, m]`: where row and column are the same, for the sizes of two axes of `x`.
  private static func isDiagonal(
    _ b: ConversionBuilder, _ x: ValueID, _ rows: Int, _ columns: Int
  ) throws(EngineError) -> ValueID {
    func count(_ axis: Int) throws(EngineError) -> ValueID {
      try b.onnx(
        "Range",
        [try b.scalar(0), try b.squeeze(try b.size(x, axis), [0]), try b.scalar(1)])
    }
    return try b.onnx(
      "Equal", [try b.unsqueeze(try count(rows), [1]), try b.unsqueeze(try count(columns), [0])])
  }
}
