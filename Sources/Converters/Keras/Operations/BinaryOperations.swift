import Graphs
import Operators
import Tensors

/// Arithmetic of two operands, and of conditions.
extension OperationLayer {
  private static func both(
    isReal: Bool = false,
    _ make: @escaping @Sendable (LayerCall, ValueID, ValueID) throws(EngineError) -> ValueID
  ) -> Rule {
    { (c) throws(EngineError) in
      let xs = try c.pair()
      let (x, y) = isReal ? (try c.floating(xs[0]), try c.floating(xs[1])) : (xs[0], xs[1])
      return .id(try c.together(x, y) { (x, y) throws(EngineError) in try make(c, x, y) })
    }
  }
  private static func one(_ op: some Operator, isReal: Bool = false) -> Rule {
    both(isReal: isReal) { (c, x, y) throws(EngineError) in try c.b.apply(op, x, y) }
  }

  static let binary: [String: Rule] = [
    "Add": one(Add()), "Subtract": one(Sub()), "Multiply": one(Mul()), "Maximum": one(Max()),
    "Minimum": one(Min()), "Fmax": one(Max()), "Fmin": one(Min()),
    "Divide": one(Div(), isReal: true), "TrueDivide": one(Div(), isReal: true),
    "Power": one(Pow()),
    "Mod": both { (c, x, y) throws(EngineError) in try c.floorMod(x, y) },
    "Fmod": one(Mod(fmod: true)),
    "FloorDivide": both { (c, x, y) throws(EngineError) in
      if c.b.dtype(x)?.isFloat == true { return try c.b.apply(Floor(), try c.div(x, y)) }
      return try c.div(try c.sub(x, try c.floorMod(x, y)), y)
    },
    "DivideNoNan": both(isReal: true) { (c, x, y) throws(EngineError) in
      let isZero = try c.b.apply(Equal(), y, try c.number(0, like: y))
      let safe = try c.select(isZero, try c.number(1, like: y), y)
      return try c.select(isZero, try c.number(0, like: y), try c.div(x, safe))
    },
    "Hypot": both(isReal: true) { (c, x, y) throws(EngineError) in
      try c.b.apply(Sqrt(), try c.add(try c.mul(x, x), try c.mul(y, y)))
    },
    "Logaddexp": both(isReal: true) { (c, x, y) throws(EngineError) in
      let top = try c.max(x, y)
      let gap = try c.neg(try c.b.apply(Abs(), try c.sub(x, y)))
      return try c.add(top, try c.b.apply(Log(), try c.add(try c.b.apply(Exp(), gap), 1)))
    },
    "Arctan2": both(isReal: true) { (c, y, x) throws(EngineError) in
      let b = c.b
      let zero = try c.number(0, like: x)
      let isZero = try b.apply(Equal(), x, zero)
      let slope = try b.apply(
        Atan(), try c.div(y, try c.select(isZero, try c.number(1, like: x), x)))
      let upward = try c.select(
        try b.apply(Less(), y, zero), try c.number(-Double.pi, like: x),
        try c.number(Double.pi, like: x))
      let turned = try c.select(try b.apply(Less(), x, zero), try c.add(slope, upward), slope)
      let upright = try c.mul(try b.apply(Sign(), y), Double.pi / 2)
      return try c.select(isZero, upright, turned)
    },
    "Where": { (c) throws(EngineError) in
      guard let test = try c.operand(0, "condition"), let x = c.argument(1, "x1"),
        let y = c.argument(2, "x2")
      else { throw c.unsupported("where with a condition alone is not converted") }
      let xs = try c.promoted([x, y])
      return .id(try c.select(try c.cast(test, to: .bool), xs[0], xs[1]))
    },
  ]

  private static func compared(
    _ make: @escaping @Sendable (LayerCall, ValueID, ValueID) throws(EngineError) -> ValueID
  ) -> Rule { both(make) }
  private static func logic(_ op: some Operator) -> Rule {
    both { (c, x, y) throws(EngineError) in
      try c.b.apply(op, try c.cast(x, to: .bool), try c.cast(y, to: .bool))
    }
  }

  static let comparison: [String: Rule] = [
    "Equal": one(Equal()), "Greater": one(Greater()), "GreaterEqual": one(GreaterOrEqual()),
    "Less": one(Less()), "LessEqual": one(LessOrEqual()),
    "NotEqual": both { (c, x, y) throws(EngineError) in try c.not(try c.b.apply(Equal(), x, y)) },
    "LogicalAnd": logic(And()), "LogicalOr": logic(Or()), "LogicalXor": logic(Xor()),
  ]
}

extension LayerCall {
  /// The remainder with the divisor's sign.
  func floorMod(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID {
    guard b.dtype(x)?.isFloat == true else { return try b.apply(Mod(), x, y) }
    return try sub(x, try mul(try b.apply(Floor(), try div(x, y)), y))
  }

  /// Applies `change` channels first where both operands of one rank lie so, or one lies so and the
  /// other is a single number.
  func together(
    _ x: ValueID, _ y: ValueID,
    _ change: (ValueID, ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let (first, second) = (b.channelsFirstTwin(x), b.channelsFirstTwin(y))
    func isSingle(_ x: ValueID) -> Bool { b.dims(x)?.isEmpty == true }
    if let first, let second, b.dims(x)?.count == b.dims(y)?.count {
      return try b.channelsLast(try change(first, second))
    }
    if let first, isSingle(y) { return try b.channelsLast(try change(first, y)) }
    if let second, isSingle(x) { return try b.channelsLast(try change(x, second)) }
    return try change(x, y)
  }
}
