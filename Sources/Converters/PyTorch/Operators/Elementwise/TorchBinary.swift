import Graphs
import Operators
import Tensors

/// Arithmetic of two operands, types promoted as PyTorch does.
enum TorchBinary {
  static let operators: [TorchOperator] = TorchOperator.joined(
    both("add") { (c) throws(EngineError) in try sum(c, "self", "other", Add()) },
    both("sub") { (c) throws(EngineError) in try sum(c, "self", "other", Sub()) },
    both("subtract") { (c) throws(EngineError) in try sum(c, "self", "other", Sub()) },
    both("rsub") { (c) throws(EngineError) in try sum(c, "other", "self", Sub()) },
    both("mul") { (c) throws(EngineError) in try product(c) },
    both("multiply") { (c) throws(EngineError) in try product(c) },
    [
      simple("maximum", Max()), simple("minimum", Min()),
      numbersFirst("fmax", Max()), numbersFirst("fmin", Min()),
      simple("max", Max(), overload: "other"), simple("min", Min(), overload: "other"),
      .one("aten.atan2.default", inPlace: true, arcTangent),
      .one("aten.hypot.default", inPlace: true) { (c) throws(EngineError) in
        let (a, b) = try c.pair()
        return try c.builder.apply(Sqrt(), try c.add(try c.mul(a, a), try c.mul(b, b)))
      },
      .one("aten.logaddexp.default") { (c) throws(EngineError) in
        let (a, b) = try c.pair()
        let top = try c.builder.apply(Max(), a, b)
        let apart = try c.builder.apply(
          Neg(), try c.builder.apply(Abs(), try c.sub(a, b)))
        let tail = try c.builder.apply(
          Log(), try c.add(try c.builder.apply(Exp(), apart), 1))
        return try c.add(top, tail)
      },
      .one("aten.xlogy.Tensor", inPlace: true) { (c) throws(EngineError) in
        let (a, b) = try c.pair(least: try c.result())
        let zero = try c.constant(0, like: a)
        let product = try c.mul(a, try c.builder.apply(Log(), b))
        return try c.builder.apply(
          Where(), try c.builder.apply(Equal(), a, zero), zero, product)
      },
      .one("aten.copysign.Tensor", note: "-0 counts as positive", inPlace: true) {
        (c) throws(EngineError) in
        let (a, b) = try c.pair(least: try c.result())
        let size = try c.builder.apply(Abs(), a)
        let isBelow = try c.builder.apply(Less(), b, try c.constant(0, like: b))
        return try c.builder.apply(Where(), isBelow, try c.builder.apply(Neg(), size), size)
      },
      .one("aten.heaviside.default", inPlace: true) { (c) throws(EngineError) in
        let (a, b) = try c.pair("self", "values")
        let zero = try c.constant(0, like: a)
        let step = try c.cast(try c.builder.apply(Greater(), a, zero), try c.dtype(of: a))
        return try c.builder.apply(Where(), try c.builder.apply(Equal(), a, zero), b, step)
      },
    ], bits("bitwise_and", "__and__", And(), BitwiseAnd()),
    bits("bitwise_or", "__or__", Or(), BitwiseOr()),
    bits("bitwise_xor", "__xor__", Xor(), BitwiseXor()),
    [
      logical("logical_and", And()), logical("logical_or", Or()), logical("logical_xor", Xor()),
    ], shifts("bitwise_left_shift", "__lshift__", isLeft: true),
    shifts("bitwise_right_shift", "__rshift__", isLeft: false))

  /// The overloads `.Tensor` and `.Scalar` of one rule.
  static func both(
    _ name: String, _ rule: @escaping @Sendable (TorchCall) throws(EngineError) -> ValueID
  ) -> [TorchOperator] {
    [
      .one("aten.\(name).Tensor", inPlace: true, rule),
      .one("aten.\(name).Scalar", inPlace: true, rule),
    ]
  }

  /// `a + alpha b`, or the difference.
  private static func sum<Op: Operator>(
    _ c: TorchCall, _ first: String, _ second: String, _ op: Op
  ) throws(EngineError) -> ValueID {
    var (a, b) = try c.pair(first, second)
    let dtype = try c.dtype(of: a)
    if let alpha = try c.number("alpha"), alpha.double != 1 {
      let factor = try c.constant(alpha, dtype)
      // alpha belongs to the operand that the schema calls other, or to self where turned round.
      b = try c.mul(b, factor)
    }
    // Sums of booleans are disjunctions.
    if dtype == .bool, op is Add { return try c.builder.apply(Or(), a, b) }
    if dtype == .bool {
      a = try c.cast(a, .int64)
      b = try c.cast(b, .int64)
    }
    return try c.builder.apply(op, a, b)
  }

  private static func product(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (a, b) = try c.pair()
    return try c.dtype(of: a) == .bool
      ? try c.builder.apply(And(), a, b) : try c.mul(a, b)
  }

  private static func simple<Op: Operator>(
    _ name: String, _ op: Op, overload: String = "default"
  ) -> TorchOperator {
    .one("aten.\(name).\(overload)") { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      guard try c.dtype(of: a) == .bool else { return try c.builder.apply(op, a, b) }
      return op is Max ? try c.builder.apply(Or(), a, b) : try c.builder.apply(And(), a, b)
    }
  }

  /// The larger or smaller of two, where a number counts before NaN.
  private static func numbersFirst<Op: Operator>(_ name: String, _ op: Op) -> TorchOperator {
    .one("aten.\(name).default") { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      let build = c.builder
      let best = try build.apply(op, a, b)
      guard try c.dtype(of: a).isFloat else { return best }
      let first = try build.apply(Where(), try build.apply(IsNaN(), b), a, best)
      return try build.apply(Where(), try build.apply(IsNaN(), a), b, first)
    }
  }

  private static func bits<Logic: Operator, Bitwise: Operator>(
    _ name: String, _ short: String, _ logic: Logic, _ bitwise: Bitwise
  ) -> [TorchOperator] {
    let rule: @Sendable (TorchCall) throws(EngineError) -> ValueID = { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      return try c.dtype(of: a) == .bool
        ? try c.builder.apply(logic, a, b) : try c.builder.apply(bitwise, a, b)
    }
    var list = both(name, rule)
    list.append(.one("aten.\(short).Tensor", rule))
    list.append(.one("aten.\(short).Scalar", rule))
    return list
  }

  private static func logical<Op: Operator>(_ name: String, _ op: Op) -> TorchOperator {
    .one("aten.\(name).default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(op, try truth(c, try c.x()), try truth(c, try c.x("other")))
    }
  }

  /// Whether each element differs from 0.
  static func truth(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> ValueID {
    try c.cast(x, .bool)
  }

  /// Shifts of integers as products and quotients: shifting right rounds down.
  private static func shifts(_ name: String, _ short: String, isLeft: Bool) -> [TorchOperator] {
    let rule: @Sendable (TorchCall) throws(EngineError) -> ValueID = { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      let power = try c.cast(
        try c.builder.apply(
          Pow(), try c.constant(.float(2), .float64), try c.cast(b, .float64)),
        try c.dtype(of: a))
      return isLeft ? try c.mul(a, power) : try TorchDivision.floored(c, a, power)
    }
    return [
      .one("aten.\(name).Tensor", rule), .one("aten.\(name).Tensor_Scalar", rule),
      .one("aten.\(short).Tensor", rule), .one("aten.\(short).Scalar", rule),
    ]
  }

  /// The angle of the point (other, self), by the quotient's arc tangent and the quadrant.
  @Sendable private static func arcTangent(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (y, x) = try c.pair(least: try c.result())
    let b = c.builder
    let zero = try c.constant(0, like: x)
    let slope = try b.apply(Atan(), try c.div(y, x))
    let pi = try c.constant(Double.pi, like: x)
    let isUp = try b.apply(GreaterOrEqual(), y, zero)
    let turned = try b.apply(Where(), isUp, try c.add(slope, pi), try c.sub(slope, pi))
    let general = try b.apply(Where(), try b.apply(Less(), x, zero), turned, slope)
    // On the axis of y, where both are 0 included, the quotient says nothing.
    let half = try b.apply(
      Where(), isUp, try c.constant(Double.pi / 2, like: x),
      try c.constant(-Double.pi / 2, like: x))
    let upright = try b.apply(Where(), try b.apply(Equal(), y, zero), zero, half)
    return try b.apply(Where(), try b.apply(Equal(), x, zero), upright, general)
  }
}
