import Graphs
import Operators
import Tensors

/// Comparisons and choices.
enum TorchComparison {
  static let operators: [TorchOperator] = TorchOperator.joined(
    compare("eq", Equal()), compare("gt", Greater()), compare("ge", GreaterOrEqual()),
    compare("lt", Less()), compare("le", LessOrEqual()),
    TorchBinary.both("ne") { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      return try c.builder.apply(Not(), try c.builder.apply(Equal(), a, b))
    },
    [
      .one("aten.where.self", choose), .one("aten.where.ScalarOther", choose),
      .one("aten.where.ScalarSelf", choose), .one("aten.where.Scalar", choose),
      .one("aten.masked_fill.Scalar", inPlace: true, fill),
      .one("aten.masked_fill.Tensor", inPlace: true, fill),
      .one("aten.isclose.default") { (c) throws(EngineError) in
        let (a, b) = try c.pair()
        let (x, y) = (try c.cast(a, .float64), try c.cast(b, .float64))
        let bound = try c.add(
          try c.mul(try c.builder.apply(Abs(), y), try c.double("rtol", 1e-5)),
          try c.double("atol", 1e-8))
        return try c.builder.apply(
          LessOrEqual(), try c.builder.apply(Abs(), try c.sub(x, y)), bound)
      },
    ])

  private static func compare<Op: Operator>(_ name: String, _ op: Op) -> [TorchOperator] {
    TorchBinary.both(name) { (c) throws(EngineError) in
      var (a, b) = try c.pair()
      // Order of booleans: false before true.
      if try c.dtype(of: a) == .bool, !(op is Equal) {
        a = try c.cast(a, .int32)
        b = try c.cast(b, .int32)
      }
      return try c.builder.apply(op, a, b)
    }
  }

  @Sendable private static func choose(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (a, b) = try c.pair()
    return try c.builder.apply(Where(), try c.cast(try c.x("condition"), .bool), a, b)
  }

  @Sendable private static func fill(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let value = try c.value(try c.operand("value"), try c.dtype(of: x))
    return try c.builder.apply(Where(), try c.cast(try c.x("mask"), .bool), value, x)
  }
}
