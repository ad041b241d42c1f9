import Graphs
import Tensors

/// Sums, means and extrema along axes.
enum TFReductions {
  private static let direct: [(String, String)] = [
    ("Sum", "ReduceSum"), ("Mean", "ReduceMean"), ("Max", "ReduceMax"), ("Min", "ReduceMin"),
    ("Prod", "ReduceProd"), ("EuclideanNorm", "ReduceL2"),
  ]

  static let operators: [TFOperator] =
    direct.map { name, onnx in
      TFOperator(name) { (c) throws(EngineError) in
        let keeps = try c.a.bool("keep_dims")
        return try c.b.reduce(onnx, try c.tensor(0), axes: try c.ints(1), keeps: keeps)
      }
    }
    + [("All", "ReduceMin"), ("Any", "ReduceMax")].map { name, onnx in
      TFOperator(name) { (c) throws(EngineError) in
        let x = try c.b.cast(try c.tensor(0), .int32)
        let keeps = try c.a.bool("keep_dims")
        return try c.b.cast(
          try c.b.reduce(onnx, x, axes: try c.ints(1), keeps: keeps), .bool)
      }
    }
    + ["ArgMax", "ArgMin"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        let x = try c.tensor(0)
        let axis = c.has(1) ? try c.int(1) : 0
        let made = try c.b.onnx(
          name, [x],
          [.int("axis", try c.axis(axis, rank: try c.rank(0))), .int("keepdims", 0)])
        return try c.b.cast(made, try c.a.dtype("output_type") ?? .int64)
      }
    }
}
