import Graphs
import Operators
import Tensors

/// Quotients and remainders, with PyTorch's ways of rounding.
enum TorchDivision {
  static let operators: [TorchOperator] = TorchOperator.joined(
    TorchBinary.both("div") { (c) throws(EngineError) in try exact(c) },
    TorchBinary.both("divide") { (c) throws(EngineError) in try exact(c) },
    TorchBinary.both("true_divide") { (c) throws(EngineError) in try exact(c) },
    [
      .one("aten.div.Tensor_mode", inPlace: true, rounded),
      .one("aten.div.Scalar_mode", inPlace: true, rounded),
      .one("aten.floor_divide.default", inPlace: true) { (c) throws(EngineError) in
        let (a, b) = try c.pair()
        return try floored(c, a, b)
      },
      .one("aten.floor_divide.Scalar", inPlace: true) { (c) throws(EngineError) in
        let (a, b) = try c.pair()
        return try floored(c, a, b)
      },
    ],
    TorchBinary.both("remainder") { (c) throws(EngineError) in
      // The divisor's sign: Mod of integers, and by the formula for floats.
      let (a, b) = try c.pair()
      guard try c.dtype(of: a).isFloat else { return try c.builder.apply(Mod(), a, b) }
      return try c.sub(a, try c.mul(try c.builder.apply(Floor(), try c.div(a, b)), b))
    },
    TorchBinary.both("fmod") { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      return try c.builder.apply(Mod(fmod: true), a, b)
    })

  /// The quotient; that of integers is a float.
  private static func exact(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (a, b) = try c.pair(least: try c.result())
    return try c.div(a, b)
  }

  @Sendable private static func rounded(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (a, b) = try c.pair()
    switch c.text("rounding_mode", "") {
    case "floor": return try floored(c, a, b)
    case "trunc":
      let quotient = try c.div(a, b)
      return try c.dtype(of: a).isFloat ? try TorchUnary.towardsZero(c, quotient) : quotient
    default: return try exact(c)
    }
  }

  /// The quotient rounded down. Div of integers rounds towards zero.
  static func floored(_ c: TorchCall, _ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID {
    let build = c.builder
    if try c.dtype(of: a).isFloat { return try build.apply(Floor(), try c.div(a, b)) }
    if try c.dtype(of: a).isUnsignedInteger { return try c.div(a, b) }
    // a - mod(a, b) is a multiple of b.
    return try c.div(try c.sub(a, try build.apply(Mod(), a, b)), b)
  }
}
