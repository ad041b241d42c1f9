import Graphs
import Operators
import Tensors

/// Softmax and its logarithm.
enum TorchSoftmax {
  static let operators: [TorchOperator] = [
    .one("aten.softmax.int", plain), .one("aten._softmax.default", plain),
    .one("aten.special_softmax.int", plain), .one("aten._safe_softmax.default", safe),
    .one("aten.log_softmax.int", logarithm), .one("aten._log_softmax.default", logarithm),
    .one("aten.softmin.int") { (c) throws(EngineError) in
      let x = try c.builder.apply(Neg(), try c.cast(try c.x(), try c.result()))
      return try c.builder.apply(Softmax(try axis(c, x)), x)
    },
  ]

  private static func axis(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> SoftmaxAxis {
    let rank = try c.rank(x)
    let axis = try c.axis(try c.int("dim"), rank)
    // The last axis is written as -1, the default.
    return SoftmaxAxis(axis == rank - 1 ? -1 : axis)
  }

  @Sendable private static func plain(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.x(), try c.result())
    return try c.builder.apply(Softmax(try axis(c, x)), x)
  }

  @Sendable private static func logarithm(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.x(), try c.result())
    return try c.builder.apply(LogSoftmax(try axis(c, x)), x)
  }

  /// Rows of minus infinity give zeros.
  @Sendable private static func safe(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.x(), try c.result())
    let b = c.builder
    let result = try b.apply(Softmax(try axis(c, x)), x)
    return try b.apply(Where(), try b.apply(IsNaN(), result), try c.constant(0, like: x), result)
  }
}
