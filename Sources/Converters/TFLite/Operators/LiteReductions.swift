import Graphs
import Tensors

/// Sums, means and extrema along axes.
enum LiteReductions {
  private static let direct: [(String, String)] = [
    ("MEAN", "ReduceMean"), ("SUM", "ReduceSum"), ("REDUCE_MAX", "ReduceMax"),
    ("REDUCE_MIN", "ReduceMin"), ("REDUCE_PROD", "ReduceProd"),
  ]

  static let operators: [LiteOperator] =
    direct.map { name, onnx in
      LiteOperator(name) { (c) throws(EngineError) in
        try c.b.reduce(onnx, try c.number(0), axes: try c.ints(1), keeps: try c.optionFlag(0))
      }
    }
    + [("REDUCE_ANY", "ReduceMax"), ("REDUCE_ALL", "ReduceMin")].map { name, onnx in
      .plain(name) { (c) throws(EngineError) in
        let x = try c.b.cast(try c.stored(0), .int32)
        return try c.b.cast(
          try c.b.reduce(onnx, x, axes: try c.ints(1), keeps: try c.optionFlag(0)), .bool)
      }
    }
    + [("ARG_MAX", "ArgMax"), ("ARG_MIN", "ArgMin")].map { name, onnx in
      .plain(name) { (c) throws(EngineError) in
        let x = try c.stored(0)
        let made = try c.b.onnx(
          onnx, [x],
          [.int("axis", try c.axis(try c.int(1), rank: try c.rank(0))), .int("keepdims", 0)])
        return try c.b.cast(made, c.output?.dtype ?? .int64)
      }
    }
}
