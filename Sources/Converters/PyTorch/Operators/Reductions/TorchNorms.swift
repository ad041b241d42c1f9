import Graphs
import Operators
import Tensors

/// Norms, distances and similarities.
enum TorchNorms {
  static let operators: [TorchOperator] = [
    .one("aten.linalg_vector_norm.default") { (c) throws(EngineError) in
      try norm(c, "ord", fallback: 2)
    },
    .one("aten.norm.ScalarOpt_dim") { (c) throws(EngineError) in try norm(c, "p", fallback: 2) },
    .one("aten.norm.Scalar") { (c) throws(EngineError) in try norm(c, "p", fallback: 2) },
    .one("aten.norm.ScalarOpt_dim_dtype") { (c) throws(EngineError) in
      try norm(c, "p", fallback: 2)
    },
    .one("aten.cosine_similarity.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("x1", "x2")
      let axis = try c.int("dim", 1)
      let eps = try c.double("eps", 1e-8)
      let dot = try TorchReduction.reduced(c, try c.mul(a, b), [axis], false) { ReduceSum($0) }
      let lengths = try c.mul(try length(c, a, axis, eps), try length(c, b, axis, eps))
      return try c.div(dot, lengths)
    },
    .one("aten.pairwise_distance.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("x1", "x2")
      let apart = try c.add(try c.sub(a, b), try c.double("eps", 1e-6))
      return try power(c, apart, try c.double("p", 2), [-1], try c.bool("keepdim", false))
    },
  ]

  private static func length(
    _ c: TorchCall, _ x: ValueID, _ axis: Int, _ least: Double
  ) throws(EngineError) -> ValueID {
    let length = try TorchReduction.reduced(c, x, [axis], false) { ReduceL2($0) }
    return try c.builder.apply(Max(), length, try c.constant(least, like: length))
  }

  private static func norm(
    _ c: TorchCall, _ order: String, fallback: Double
  ) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.x(), try c.result())
    return try power(
      c, x, try c.double(order, fallback), try c.ints("dim") ?? [], try c.bool("keepdim", false))
  }

  /// The p-norm over `axes`.
  private static func power(
    _ c: TorchCall, _ x: ValueID, _ p: Double, _ axes: [Int], _ keepDims: Bool
  ) throws(EngineError) -> ValueID {
    let b = c.builder
    if try c.rank(x) == 0 { return try b.apply(Abs(), x) }
    switch p {
    case 1: return try TorchReduction.reduced(c, x, axes, keepDims) { ReduceL1($0) }
    case 2: return try TorchReduction.reduced(c, x, axes, keepDims) { ReduceL2($0) }
    case .infinity:
      return try TorchReduction.reduced(c, try b.apply(Abs(), x), axes, keepDims) { ReduceMax($0) }
    case -.infinity:
      return try TorchReduction.reduced(c, try b.apply(Abs(), x), axes, keepDims) { ReduceMin($0) }
    case 0:
      let flags = try c.cast(try c.cast(x, .bool), try c.dtype(of: x))
      return try TorchReduction.reduced(c, flags, axes, keepDims) { ReduceSum($0) }
    default:
      let powers = try b.apply(Pow(), try b.apply(Abs(), x), try c.constant(p, like: x))
      let sum = try TorchReduction.reduced(c, powers, axes, keepDims) { ReduceSum($0) }
      return try b.apply(Pow(), sum, try c.constant(1 / p, like: x))
    }
  }
}
