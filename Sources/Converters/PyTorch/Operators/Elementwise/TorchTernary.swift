import Graphs
import Operators
import Tensors

/// Formulas of three operands.
enum TorchTernary {
  static let operators: [TorchOperator] = [
    .one("aten.addcmul.default", inPlace: true) { (c) throws(EngineError) in
      let (a, b) = try c.pair("tensor1", "tensor2")
      return try scaled(c, try c.mul(a, b))
    },
    .one("aten.addcdiv.default", inPlace: true) { (c) throws(EngineError) in
      let (a, b) = try c.pair("tensor1", "tensor2", least: try c.result())
      return try scaled(c, try c.div(a, b))
    },
    .one("aten.lerp.Scalar", inPlace: true, mixed), .one("aten.lerp.Tensor", inPlace: true, mixed),
  ]

  /// `self + value * term`.
  private static func scaled(_ c: TorchCall, _ term: ValueID) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    var term = try c.cast(term, dtype)
    if let value = try c.number("value"), value.double != 1 {
      term = try c.mul(term, try c.constant(value, dtype))
    }
    return try c.add(try c.cast(try c.x(), dtype), term)
  }

  @Sendable private static func mixed(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (a, b) = try c.pair("self", "end")
    let weight = try c.value(try c.operand("weight"), try c.dtype(of: a))
    return try c.add(a, try c.mul(weight, try c.sub(b, a)))
  }
}
