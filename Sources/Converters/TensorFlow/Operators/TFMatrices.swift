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
        return try c.b.diagonal(try c.tensor(0))
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
          "Where", [try b.isDiagonal(x, rank - 2, rank - 1), x, zero])
        let sum = try b.onnx(
          "ReduceSum", [masked, try b.ints([-1])], [.int("keepdims", 0)])
        return rows > columns ? try b.slice(sum, [0], [columns], axes: [rank - 2]) : sum
      }
    }
    + ["MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3"].map { name in
      TFOperator(name, "the main diagonal") { (c) throws(EngineError) in
        if c.has(2) { try checkMain(c, 2) }
        return try c.b.setDiagonal(try c.tensor(0), try c.tensor(1))
      }
    }

  /// Newer versions name the diagonals: input `i`.
  private static func checkMain(_ c: TFCall, _ i: Int) throws(EngineError) {
    guard c.has(i) else { return }
    guard Set(try c.ints(i)) == [0] else {
      throw EngineError(.unsupported, "only the main diagonal is converted")
    }
  }
}
