import Graphs
import Operators
import Tensors

/// Functions of one element.
enum TorchUnary {
  static let operators: [TorchOperator] = TorchOperator.joined(same, floating, formulas)

  /// ONNX operators that take whatever type PyTorch's does.
  private static let same: [TorchOperator] = [
    plain("abs", Abs()), plain("neg", Neg()), plain("ceil", Ceil()), plain("floor", Floor()),
    plain("round", Round()), plain("sign", Sign()), plain("sgn", Sign(), "real numbers"),
    plain("logical_not", Not(), type: .bool), plain("relu", Relu()), plain("isnan", IsNaN()),
    plain("isinf", IsInf()),
    .one("aten.bitwise_not.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      return try c.dtype(of: x) == .bool
        ? try c.builder.apply(Not(), x) : try c.builder.apply(BitwiseNot(), x)
    },
    .one("aten.positive.default") { (c) throws(EngineError) in try c.x() },
    .one("aten.isfinite.default") { (c) throws(EngineError) in
      let x = try c.x()
      let b = c.builder
      guard try c.dtype(of: x).isFloat else {
        return try b.apply(Equal(), x, x)
      }
      return try b.apply(Not(), try b.apply(Or(), try b.apply(IsNaN(), x), try b.apply(IsInf(), x)))
    },
    .one("aten.signbit.default", note: "-0 counts as positive") { (c) throws(EngineError) in
      let x = try c.x()
      return try c.builder.apply(Less(), x, try c.constant(0, like: x))
    },
  ]

  /// ONNX operators of floating point: integers are cast first, as PyTorch casts them.
  private static let floating: [TorchOperator] = [
    real("acos", Acos()), real("acosh", Acosh()), real("asin", Asin()), real("asinh", Asinh()),
    real("atan", Atan()), real("atanh", Atanh()), real("cos", Cos()), real("cosh", Cosh()),
    real("erf", Erf()), real("exp", Exp()), real("log", Log()), real("reciprocal", Reciprocal()),
    real("sigmoid", Sigmoid()), real("sin", Sin()), real("sinh", Sinh()), real("sqrt", Sqrt()),
    real("tan", Tan()), real("tanh", Tanh()), real("special_expit", Sigmoid()),
    real("special_erf", Erf()),
  ]

  private static let formulas: [TorchOperator] = [
    formula("rsqrt") { (c, x) throws(EngineError) in
      try c.builder.apply(Reciprocal(), try c.builder.apply(Sqrt(), x))
    },
    formula("erfc") { (c, x) throws(EngineError) in
      try c.sub(try c.constant(1, like: x), try c.builder.apply(Erf(), x))
    },
    formula("exp2") { (c, x) throws(EngineError) in
      try c.builder.apply(Pow(), try c.constant(2, like: x), x)
    },
    formula("expm1", "small arguments lose digits") { (c, x) throws(EngineError) in
      try c.add(try c.builder.apply(Exp(), x), -1)
    },
    formula("log1p", "small arguments lose digits") { (c, x) throws(EngineError) in
      try c.builder.apply(Log(), try c.add(x, 1))
    },
    formula("log2") { (c, x) throws(EngineError) in
      try c.mul(try c.builder.apply(Log(), x), 1.442695040888963407)
    },
    formula("log10") { (c, x) throws(EngineError) in
      try c.mul(try c.builder.apply(Log(), x), 0.4342944819032518)
    },
    formula("deg2rad") { (c, x) throws(EngineError) in try c.mul(x, Double.pi / 180) },
    formula("rad2deg") { (c, x) throws(EngineError) in try c.mul(x, 180 / Double.pi) },
    formula("logit") { (c, x) throws(EngineError) in
      var x = x
      if c.has("eps") {
        let eps = try c.double("eps", 0)
        x = try c.builder.apply(
          Clip(), x, try c.constant(eps, like: x), try c.constant(1 - eps, like: x))
      }
      let rest = try c.sub(try c.constant(1, like: x), x)
      return try c.builder.apply(Log(), try c.div(x, rest))
    },
    .one("aten.square.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      return try c.mul(x, x)
    },
    .one("aten.trunc.default", inPlace: true, truncated),
    .one("aten.fix.default", inPlace: true, truncated),
    .one("aten.frac.default", inPlace: true) { (c) throws(EngineError) in
      try c.sub(try c.x(), try truncated(c))
    },
    .one("aten.round.decimals", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      var scale = 1.0
      let places = try c.int("decimals", 0)
      for _ in 0..<min(abs(places), 300) { scale *= 10 }
      if places < 0 { scale = 1 / scale }
      let whole = try c.builder.apply(Round(), try c.mul(x, scale))
      return try c.div(whole, try c.constant(scale, like: x))
    },
  ]

  /// Rounded towards zero.
  @Sendable static func truncated(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    guard try c.dtype(of: x).isFloat else { return x }
    return try towardsZero(c, x)
  }
  static func towardsZero(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> ValueID {
    let b = c.builder
    return try b.apply(
      Where(), try b.apply(Less(), x, try c.constant(0, like: x)), try b.apply(Ceil(), x),
      try b.apply(Floor(), x))
  }

  private static func plain<Op: Operator>(
    _ name: String, _ op: Op, _ note: String = "", type: DType? = nil
  ) -> TorchOperator {
    .one("aten.\(name).default", note: note, inPlace: true) { (c) throws(EngineError) in
      var x = try c.cast(try c.x(), type)
      // What integers cannot be, or need not become.
      if op is IsNaN || op is IsInf, !(try c.dtype(of: x).isFloat) { x = try c.cast(x, .float32) }
      if op is Ceil || op is Floor || op is Round, !(try c.dtype(of: x).isFloat) { return x }
      return try c.builder.apply(op, x)
    }
  }

  private static func real<Op: Operator>(_ name: String, _ op: Op) -> TorchOperator {
    .one("aten.\(name).default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(op, try c.cast(try c.x(), try c.result()))
    }
  }

  private static func formula(
    _ name: String, _ note: String = "",
    _ rule: @escaping @Sendable (TorchCall, ValueID) throws(EngineError) -> ValueID
  ) -> TorchOperator {
    .one("aten.\(name).default", note: note, inPlace: true) { (c) throws(EngineError) in
      try rule(c, try c.cast(try c.x(), try c.result()))
    }
  }
}
