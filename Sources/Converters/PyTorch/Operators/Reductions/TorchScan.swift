import Graphs
import Operators
import Tensors

/// Sums and products of all elements up to each.
enum TorchScan {
  static let operators: [TorchOperator] = [
    .one("aten.cumsum.default", inPlace: true) { (c) throws(EngineError) in
      try scan(c, CumSum())
    },
    .one("aten.cumprod.default", inPlace: true) { (c) throws(EngineError) in
      try scan(c, CumProd())
    },
  ]

  private static func scan<Op: Operator>(_ c: TorchCall, _ op: Op) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.x(), try c.result())
    let rank = try c.rank(x)
    guard rank > 0 else { return x }
    return try c.builder.apply(op, x, try c.builder.scalar(try c.axis(try c.int("dim"), rank)))
  }
}
