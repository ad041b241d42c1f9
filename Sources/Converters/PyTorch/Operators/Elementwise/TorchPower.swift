import Graphs
import Operators
import Tensors

/// Powers.
enum TorchPower {
  static let operators: [TorchOperator] = [
    .one("aten.pow.Tensor_Scalar", power), .one("aten.pow.Tensor_Tensor", power),
    .one("aten.pow.Scalar", power), .one("aten.pow_.Scalar", power),
    .one("aten.pow_.Tensor", power), .one("aten.float_power.Tensor_Scalar", power),
  ]

  @Sendable private static func power(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (base, exponent) = (try c.operand("self"), try c.operand("exponent"))
    let dtype = c.node.target.contains("float_power") ? .float64 : c.promoted([base, exponent])
    let x = try c.value(base, dtype)
    if case .number(let n) = exponent {
      switch n.double {
      case 1: return x
      case 2: return try c.mul(x, x)
      case 0.5 where dtype.isFloat: return try c.builder.apply(Sqrt(), x)
      case -1 where dtype.isFloat: return try c.builder.apply(Reciprocal(), x)
      case -0.5 where dtype.isFloat:
        return try c.builder.apply(Reciprocal(), try c.builder.apply(Sqrt(), x))
      default: break
      }
    }
    return try c.builder.apply(Pow(), x, try c.value(exponent, dtype))
  }
}
