import Graphs
import Operators
import Tensors

/// Functions of one element.
extension OperationLayer {
  private static func element(
    isReal: Bool = true,
    _ make: @escaping @Sendable (LayerCall, ValueID) throws(EngineError) -> ValueID
  ) -> Rule {
    { (c) throws(EngineError) in
      let x = try c.operand()
      return .id(
        try c.pointwise(isReal ? try c.floating(x) : x) { (y) throws(EngineError) in try make(c, y)
        })
    }
  }
  private static func one(_ op: some Operator, isReal: Bool = true) -> Rule {
    element(isReal: isReal) { (c, x) throws(EngineError) in try c.b.apply(op, x) }
  }
  private static func scaled(_ op: some Operator, _ factor: Double) -> Rule {
    element { (c, x) throws(EngineError) in try c.mul(try c.b.apply(op, x), factor) }
  }
  private static let same: Rule = { (c) throws(EngineError) in .id(try c.operand()) }

  static let unary: [String: Rule] = [
    "Absolute": one(Abs(), isReal: false), "Fabs": one(Abs()),
    "Negative": one(Neg(), isReal: false),
    "Sign": one(Sign(), isReal: false), "Exp": one(Exp()), "Log": one(Log()), "Sqrt": one(Sqrt()),
    "Sin": one(Sin()), "Cos": one(Cos()), "Tan": one(Tan()), "Sinh": one(Sinh()),
    "Cosh": one(Cosh()), "Tanh": one(Tanh()), "Arcsin": one(Asin()), "Arccos": one(Acos()),
    "Arctan": one(Atan()), "Arcsinh": one(Asinh()), "Arccosh": one(Acosh()),
    "Arctanh": one(Atanh()), "Erf": one(Erf()), "Reciprocal": one(Reciprocal()),
    "Ceil": one(Ceil()), "Floor": one(Floor()),
    "LogicalNot": element(isReal: false) { (c, x) throws(EngineError) in
      try c.not(try c.cast(x, to: .bool))
    },
    "Log2": scaled(Log(), 1.4426950408889634), "Log10": scaled(Log(), 0.4342944819032518),
    "Log1p": element { (c, x) throws(EngineError) in try c.b.apply(Log(), try c.add(x, 1)) },
    "Expm1": element { (c, x) throws(EngineError) in try c.sub(try c.b.apply(Exp(), x), 1) },
    "Exp2": element { (c, x) throws(EngineError) in
      try c.b.apply(Exp(), try c.mul(x, 0.6931471805599453))
    },
    "Square": element(isReal: false) { (c, x) throws(EngineError) in try c.mul(x, x) },
    "Rsqrt": element { (c, x) throws(EngineError) in
      try c.b.apply(Reciprocal(), try c.b.apply(Sqrt(), x))
    },
    "Erfc": element { (c, x) throws(EngineError) in
      try c.sub(try c.number(1, like: x), try c.b.apply(Erf(), x))
    },
    "Cbrt": element { (c, x) throws(EngineError) in
      let root = try c.b.apply(Pow(), try c.b.apply(Abs(), x), try c.number(1.0 / 3, like: x))
      return try c.mul(try c.b.apply(Sign(), x), root)
    },
    "Deg2rad": element { (c, x) throws(EngineError) in try c.mul(x, Double.pi / 180) },
    "Rad2deg": element { (c, x) throws(EngineError) in try c.mul(x, 180 / Double.pi) },
    "Trunc": element { (c, x) throws(EngineError) in
      let isNegative = try c.b.apply(Less(), x, try c.number(0, like: x))
      return try c.select(isNegative, try c.b.apply(Ceil(), x), try c.b.apply(Floor(), x))
    },
    "Sinc": element { (c, x) throws(EngineError) in
      let y = try c.mul(x, Double.pi)
      let isZero = try c.b.apply(Equal(), y, try c.number(0, like: y))
      let safe = try c.select(isZero, try c.number(1, like: y), y)
      let ratio = try c.div(try c.b.apply(Sin(), safe), safe)
      return try c.select(isZero, try c.number(1, like: y), ratio)
    },
    "Isnan": one(IsNaN()), "Isinf": one(IsInf()),
    "Isposinf": one(IsInf(detectNegative: false)), "Isneginf": one(IsInf(detectPositive: false)),
    "Isfinite": element { (c, x) throws(EngineError) in
      try c.not(try c.b.apply(Or(), try c.b.apply(IsNaN(), x), try c.b.apply(IsInf(), x)))
    },
    "Signbit": element { (c, x) throws(EngineError) in
      try c.b.apply(Less(), x, try c.number(0, like: x))
    },
    "Round": { (c) throws(EngineError) in
      let x = try c.operand()
      let places = try c.integer(1, "decimals", default: 0)
      guard abs(places) < 16 else { throw c.unsupported("it rounds to \(places) places") }
      guard c.b.dtype(x)?.isFloat == true else { return .id(x) }
      if places == 0 { return .id(try c.b.apply(Round(), x)) }
      var factor = 1.0
      for _ in 0..<abs(places) { factor *= 10 }
      if places < 0 { factor = 1 / factor }
      return .id(try c.div(try c.b.apply(Round(), try c.mul(x, factor)), factor))
    },
    "NanToNum": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      let big = c.b.dtype(x) == .float16 ? 65504 : Double(Float.greatestFiniteMagnitude)
      let b = c.b
      let nan = try c.number(try c.real(1, "nan", default: 0), like: x)
      let high = try c.number(try c.real(2, "posinf", default: big), like: x)
      let low = try c.number(try c.real(3, "neginf", default: -big), like: x)
      var y = try c.select(try b.apply(IsNaN(), x), nan, x)
      y = try c.select(try b.apply(IsInf(detectNegative: false), x), high, y)
      return .id(try c.select(try b.apply(IsInf(detectPositive: false), x), low, y))
    },
    "Clip": { (c) throws(EngineError) in
      var x = try c.operand()
      let (lower, upper) = (c.plain(1, "x_min")?.asDouble, c.plain(2, "x_max")?.asDouble)
      let isWhole = [lower, upper].allSatisfy { $0.map { $0 == $0.rounded() } ?? true }
      if !isWhole { x = try c.floating(x) }
      return .id(try c.pointwise(x) { (y) throws(EngineError) in try c.clip(y, lower, upper) })
    },
    "Cast": { (c) throws(EngineError) in
      .id(
        try c.cast(try c.operand(), to: try KerasPolicy.dtype(named: try c.config.string("dtype"))))
    },
    "ConvertToTensor": { (c) throws(EngineError) in
      let x = try c.operand()
      guard let name = try c.config.optionalString("dtype") else { return .id(x) }
      return .id(try c.cast(x, to: try KerasPolicy.dtype(named: name)))
    },
    "StopGradient": same, "Copy": same, "Real": same, "Conjugate": same,
    "ZerosLike": { (c) throws(EngineError) in .id(try c.filled(0)) },
    "OnesLike": { (c) throws(EngineError) in .id(try c.filled(1)) },
    "FullLike": { (c) throws(EngineError) in
      guard let value = c.plain(1, "fill_value")?.asDouble else {
        throw c.unsupported("it is filled with no number")
      }
      return .id(try c.filled(value))
    },
  ]
}

extension LayerCall {
  var config: KerasConfig { object.config }

  /// A value repeated in the shape of the operand.
  fileprivate func filled(_ value: Double) throws(EngineError) -> ValueID {
    let x = try operand()
    let named = try config.optionalString("dtype")
    let type = try named.map { (n) throws(EngineError) in try KerasPolicy.dtype(named: n) }
    let constant = try b.constant(try Self.scalar(value, type ?? b.dtype(x) ?? .float32))
    return try b.apply(Expand(), constant, try b.apply(ShapeOp(), x))
  }
}
