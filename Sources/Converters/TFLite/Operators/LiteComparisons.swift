import Graphs
import Tensors

/// Comparisons, logic and choices.
enum LiteComparisons {
  private static let direct: [(String, String)] = [
    ("EQUAL", "Equal"), ("LESS", "Less"), ("LESS_EQUAL", "LessOrEqual"), ("GREATER", "Greater"),
    ("GREATER_EQUAL", "GreaterOrEqual"),
  ]

  static let operators: [LiteOperator] =
    direct.map { name, onnx in
      .plain(name) { (c) throws(EngineError) in
        try c.b.broadcast(onnx, try c.number(0), try c.number(1))
      }
    }
    + [("LOGICAL_AND", "And"), ("LOGICAL_OR", "Or")].map { name, onnx in
      .plain(name) { (c) throws(EngineError) in
        try c.b.onnx(onnx, [try c.stored(0), try c.stored(1)])
      }
    }
    + [
      .plain("LOGICAL_NOT") { (c) throws(EngineError) in
        try c.b.onnx("Not", [try c.stored(0)])
      },
      .plain("NOT_EQUAL") { (c) throws(EngineError) in
        try c.b.onnx("Not", [try c.b.broadcast("Equal", try c.number(0), try c.number(1))])
      },
      LiteOperator("SELECT_V2") { (c) throws(EngineError) in
        try c.b.onnx("Where", [try c.stored(0), try c.number(1), try c.number(2)])
      },
      LiteOperator("SELECT") { (c) throws(EngineError) in
        let (b, x) = (c.b, try c.number(1))
        var condition = try c.stored(0)
        let rank = try b.rank(x)
        if try b.rank(condition) == 1, rank > 1 {
          condition = try b.unsqueeze(condition, Array(1..<rank))
        }
        return try b.onnx("Where", [condition, x, try c.number(2)])
      },
      .plain("WHERE") { (c) throws(EngineError) in
        try c.b.transpose(try c.b.onnx("NonZero", [try c.stored(0)]), [1, 0])
      },
    ]
}
