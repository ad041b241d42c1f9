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
    ("FloorDiv", { (b, x, y) throws(EngineError) in try floorDivision(b, x, y) }),
    ("FloorMod", { (b, x, y) throws(EngineError) in try floorRemainder(b, x, y) }),
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
    ("Atan2", { (b, y, x) throws(EngineError) in try angle(b, y, x) }),
    ("LeftShift", { (b, x, y) throws(EngineError) in try shift(b, x, y, left: true) }),
    ("RightShift", { (b, x, y) throws(EngineError) in try shift(b, x, y, left: false) }),
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

  /// The quotient rounded towards minus infinity.
  static func floorDivision(
    _ b: ConversionBuilder, _ x: ValueID, _ y: ValueID
  ) throws(EngineError) -> ValueID {
    guard b.dtype(x)?.isInteger == true else { return try b.onnx("Floor", [try b.div(x, y)]) }
    let quotient = try b.div(x, y)
    if b.dtype(x)?.isUnsignedInteger == true { return quotient }
    // For sizes the quotient is rounded down already.
    if let divisor = b.knownInts(y), divisor.allSatisfy({ $0 > 0 }),
      let elements = b.fact(of: x).elements, elements.allSatisfy({ $0.isNotNegative })
    {
      return quotient
    }
    // Truncated: one less where the rest is not 0 and has not the divisor's sign.
    let rest = try b.onnx("Mod", [x, y], [.int("fmod", 1)])
    let zero = try b.number(0, like: x)
    let differs = try b.onnx(
      "Xor", [try b.onnx("Less", [rest, zero]), try b.onnx("Less", [y, zero])])
    let isRest = try b.onnx("Not", [try b.onnx("Equal", [rest, zero])])
    let less = try b.cast(try b.onnx("And", [differs, isRest]), b.dtype(x) ?? .int32)
    return try b.sub(quotient, less)
  }

  /// The rest that has the divisor's sign.
  static func floorRemainder(
    _ b: ConversionBuilder, _ x: ValueID, _ y: ValueID
  ) throws(EngineError) -> ValueID {
    if b.dtype(x)?.isInteger == true { return try b.onnx("Mod", [x, y]) }
    return try b.sub(x, try b.mul(try b.onnx("Floor", [try b.div(x, y)]), y))
  }

  /// The angle of the point (x, y), from -pi to pi.
  static func angle(
    _ b: ConversionBuilder, _ y: ValueID, _ x: ValueID
  ) throws(EngineError) -> ValueID {
    let zero = try b.number(0, like: x)
    func less(_ a: ValueID, _ c: ValueID) throws(EngineError) -> ValueID {
      try b.onnx("Less", [a, c])
    }
    let plain = try b.onnx("Atan", [try b.div(y, x)])
    let isLeft = try less(x, zero)
    let isBelow = try less(y, zero)
    let half = try b.onnx(
      "Where", [isBelow, try b.number(-Double.pi, like: x), try b.number(Double.pi, like: x)])
    let turned = try b.add(plain, try b.onnx("Where", [isLeft, half, zero]))
    // On the vertical axis, and at the origin.
    let quarter = try b.mul(
      try b.onnx("Sign", [y]), try b.number(Double.pi / 2, like: x))
    return try b.onnx("Where", [try b.onnx("Equal", [x, zero]), quarter, turned])
  }

  /// Shifts of integers, signed ones by powers of two.
  static func shift(
    _ b: ConversionBuilder, _ x: ValueID, _ y: ValueID, left: Bool
  ) throws(EngineError) -> ValueID {
    if b.dtype(x)?.isUnsignedInteger == true {
      return try b.onnx("BitShift", [x, y], [.string("direction", left ? "LEFT" : "RIGHT")])
    }
    let dtype = b.dtype(x) ?? .int32
    // Powers of two up to 2^52 are exact in float64.
    let power = try b.cast(
      try b.onnx("Pow", [try b.number(2, .float64), try b.cast(y, .float64)]), .int64)
    let wide = try b.cast(x, .int64)
    return try b.cast(left ? try b.mul(wide, power) : try floorDivision(b, wide, power), dtype)
  }
}
