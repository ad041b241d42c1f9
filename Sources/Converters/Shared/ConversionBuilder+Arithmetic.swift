import Graphs
import Tensors

/// Arithmetic that ONNX has in another form.
extension ConversionBuilder {
  /// The quotient rounded towards minus infinity.
  func floorDivision(
    _ x: ValueID, _ y: ValueID
  ) throws(EngineError) -> ValueID {
    guard dtype(x)?.isInteger == true else { return try onnx("Floor", [try div(x, y)]) }
    let quotient = try div(x, y)
    if dtype(x)?.isUnsignedInteger == true { return quotient }
    // For sizes the quotient is rounded down already.
    if let divisor = knownInts(y), divisor.allSatisfy({ $0 > 0 }),
      let elements = fact(of: x).elements, elements.allSatisfy({ $0.isNotNegative })
    {
      return quotient
    }
    // Truncated: one less where the rest is not 0 and has not the divisor's sign.
    let rest = try onnx("Mod", [x, y], [.int("fmod", 1)])
    let zero = try number(0, like: x)
    let differs = try onnx(
      "Xor", [try onnx("Less", [rest, zero]), try onnx("Less", [y, zero])])
    let isRest = try onnx("Not", [try onnx("Equal", [rest, zero])])
    let less = try cast(try onnx("And", [differs, isRest]), dtype(x) ?? .int32)
    return try sub(quotient, less)
  }

  /// The rest that has the divisor's sign.
  func floorRemainder(
    _ x: ValueID, _ y: ValueID
  ) throws(EngineError) -> ValueID {
    if dtype(x)?.isInteger == true { return try onnx("Mod", [x, y]) }
    return try sub(x, try mul(try onnx("Floor", [try div(x, y)]), y))
  }

  /// The angle of the point (x, y), from -pi to pi.
  func angle(
    _ y: ValueID, _ x: ValueID
  ) throws(EngineError) -> ValueID {
    let zero = try number(0, like: x)
    func less(_ a: ValueID, _ c: ValueID) throws(EngineError) -> ValueID {
      try onnx("Less", [a, c])
    }
    let plain = try onnx("Atan", [try div(y, x)])
    let isLeft = try less(x, zero)
    let isBelow = try less(y, zero)
    let half = try onnx(
      "Where", [isBelow, try number(-Double.pi, like: x), try number(Double.pi, like: x)])
    let turned = try add(plain, try onnx("Where", [isLeft, half, zero]))
    // On the vertical axis, and at the origin.
    let quarter = try mul(
      try onnx("Sign", [y]), try number(Double.pi / 2, like: x))
    return try onnx("Where", [try onnx("Equal", [x, zero]), quarter, turned])
  }

  /// Shifts of integers, signed ones by powers of two.
  func shift(
    _ x: ValueID, _ y: ValueID, left: Bool
  ) throws(EngineError) -> ValueID {
    if dtype(x)?.isUnsignedInteger == true {
      return try onnx("BitShift", [x, y], [.string("direction", left ? "LEFT" : "RIGHT")])
    }
    let dtype = dtype(x) ?? .int32
    // Powers of two up to 2^52 are exact in float64.
    let power = try cast(
      try onnx("Pow", [try number(2, .float64), try cast(y, .float64)]), .int64)
    let wide = try cast(x, .int64)
    return try cast(left ? try mul(wide, power) : try floorDivision(wide, power), dtype)
  }
}
