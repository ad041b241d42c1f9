import Graphs
import Tensors

/// Functions of two elements, which broadcast.
enum TFBinary {
  private static let direct: [(String, String)] = [
    ("Add", "Add"), ("AddV2", "Add"), ("Sub", "Sub"), ("Mul", "Mul"), ("RealDiv", "Div"),
    ("Div", "Div"), ("TruncateDiv", "Div"), ("Pow", "Pow"), ("Maximum", "Max"),
    ("Minimum", "Min"), ("BitwiseAnd", "BitwiseAnd"), ("BitwiseOr", "BitwiseOr"),
    ("BitwiseXor", "BitwiseXor"),
  ]

  typealias Formula = @Sendable (ConversionBuilder, ValueID, ValueID) throws(EngineError) -> ValueID

  private static let formulas: [(String, Formula)] = [
    (
      "SquaredDifference",
      { (b, x, y) throws(EngineError) in
        let d = try b.sub(x, y)
        return try b.mul(d, d)
      }
    ),
    ("FloorDiv", { (b, x, y) throws(EngineError) in try b.floorDivision(x, y) }),
    ("FloorMod", { (b, x, y) throws(EngineError) in try b.floorRemainder(x, y) }),
    (
      "Mod",
      { (b, x, y) throws(EngineError) in try b.onnx("Mod", [x, y], [.int("fmod", 1)]) }
    ),
    (
      "TruncateMod",
      { (b, x, y) throws(EngineError) in try b.onnx("Mod", [x, y], [.int("fmod", 1)]) }
    ),
    (
      "DivNoNan",
      { (b, x, y) throws(EngineError) in
        try unlessZero(b, y, try b.div(x, y))
      }
    ),
    (
      "MulNoNan",
      { (b, x, y) throws(EngineError) in
        try unlessZero(b, y, try b.mul(x, y))
      }
    ),
    (
      "Xdivy",
      { (b, x, y) throws(EngineError) in
        try unlessZero(b, x, try b.div(x, y))
      }
    ),
    (
      "Xlogy",
      { (b, x, y) throws(EngineError) in
        try unlessZero(b, x, try b.mul(x, try b.onnx("Log", [y])))
      }
    ),
    (
      "Xlog1py",
      { (b, x, y) throws(EngineError) in
        let log = try b.onnx("Log", [try b.add(y, try b.number(1, like: y))])
        return try unlessZero(b, x, try b.mul(x, log))
      }
    ),
    ("Atan2", { (b, y, x) throws(EngineError) in try b.angle(y, x) }),
    ("LeftShift", { (b, x, y) throws(EngineError) in try b.shift(x, y, left: true) }),
    ("RightShift", { (b, x, y) throws(EngineError) in try b.shift(x, y, left: false) }),
  ]

  static let operators: [TFOperator] =
    direct.map { name, onnx in
      TFOperator(name) { (c) throws(EngineError) in
        let (x, y) = (try c.tensor(0), try c.tensor(1))
        if c.b.dtype(x) == .string, onnx == "Add" { return try c.b.onnx("StringConcat", [x, y]) }
        return try c.b.broadcast(onnx, x, y)
      }
    }
    + formulas.map { name, formula in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.broadcast(try c.tensor(0), try c.tensor(1)) { (x, y) throws(EngineError) in
          try formula(c.b, x, y)
        }
      }
    }
    + ["AddN", "AccumulateNV2"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        var sum = try c.tensor(0)
        for i in 1..<max(1, c.inputs.count) {
          sum = try c.b.broadcast("Add", sum, try c.tensor(i))
        }
        return sum
      }
    }

  /// 0 where `test` is 0, else `value`.
  private static func unlessZero(
    _ b: ConversionBuilder, _ test: ValueID, _ value: ValueID
  ) throws(EngineError) -> ValueID {
    let zero = try b.number(0, like: test)
    return try b.onnx("Where", [try b.onnx("Equal", [test, zero]), zero, value])
  }
}
