import Graphs
import Tensors

/// Comparisons, logic and choices.
enum TFComparisons {
  private static let direct: [(String, String)] = [
    ("Equal", "Equal"), ("Less", "Less"), ("LessEqual", "LessOrEqual"), ("Greater", "Greater"),
    ("GreaterEqual", "GreaterOrEqual"), ("LogicalAnd", "And"), ("LogicalOr", "Or"),
    ("LogicalXor", "Xor"),
  ]

  static let operators: [TFOperator] =
    direct.map { name, onnx in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.broadcast(onnx, try c.tensor(0), try c.tensor(1))
      }
    } + [
      TFOperator("NotEqual") { (c) throws(EngineError) in
        let equal = try c.b.broadcast("Equal", try c.tensor(0), try c.tensor(1))
        return try c.b.elementwise(equal) { (x) throws(EngineError) in try c.b.onnx("Not", [x]) }
      },
      TFOperator("ApproximateEqual") { (c) throws(EngineError) in
        let b = c.b
        let x = try c.tensor(0)
        let apart = try b.onnx("Abs", [try b.sub(x, try c.tensor(1))])
        return try b.onnx(
          "Less", [apart, try b.number(Double(try c.a.float("tolerance", 1e-5)), like: x)])
      },
      TFOperator("SelectV2") { (c) throws(EngineError) in
        try c.b.onnx("Where", [try c.tensor(0), try c.tensor(1), try c.tensor(2)])
      },
      TFOperator("Select") { (c) throws(EngineError) in
        let (b, x) = (c.b, try c.tensor(1))
        var condition = try c.tensor(0)
        let rank = try b.rank(x)
        // A vector chooses rows.
        if try b.rank(condition) == 1, rank > 1 {
          condition = try b.unsqueeze(condition, Array(1..<rank))
        }
        return try b.onnx("Where", [condition, x, try c.tensor(2)])
      },
      TFOperator("Where", "places of what is not zero") { (c) throws(EngineError) in
        try c.b.onnx(
          "Transpose", [try c.b.onnx("NonZero", [try c.tensor(0)])], [.ints("perm", [1, 0])])
      },
    ]
}
