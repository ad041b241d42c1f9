import Graphs
import Operators
import Tensors

/// Sums and what is like them, over some axes or all.
enum TorchReduction {
  static let operators: [TorchOperator] = [
    .one("aten.sum.default") { (c) throws(EngineError) in try all(c) { ReduceSum($0) } },
    .one("aten.sum.dim_IntList") { (c) throws(EngineError) in try some(c) { ReduceSum($0) } },
    .one("aten.mean.default") { (c) throws(EngineError) in try all(c) { ReduceMean($0) } },
    .one("aten.mean.dim") { (c) throws(EngineError) in try mean(c) },
    .one("aten.prod.default") { (c) throws(EngineError) in try all(c) { ReduceProd($0) } },
    .one("aten.prod.dim_int") { (c) throws(EngineError) in try some(c) { ReduceProd($0) } },
    .one("aten.amax.default") { (c) throws(EngineError) in try some(c) { ReduceMax($0) } },
    .one("aten.amin.default") { (c) throws(EngineError) in try some(c) { ReduceMin($0) } },
    .one("aten.max.default") { (c) throws(EngineError) in try all(c) { ReduceMax($0) } },
    .one("aten.min.default") { (c) throws(EngineError) in try all(c) { ReduceMin($0) } },
    .one("aten.logsumexp.default") { (c) throws(EngineError) in
      try some(c) { ReduceLogSumExp($0) }
    },
    .one("aten.any.default") { (c) throws(EngineError) in try truth(c, isAll: false) },
    .one("aten.any.dim") { (c) throws(EngineError) in try truth(c, isAll: false) },
    .one("aten.any.dims") { (c) throws(EngineError) in try truth(c, isAll: false) },
    .one("aten.all.default") { (c) throws(EngineError) in try truth(c, isAll: true) },
    .one("aten.all.dim") { (c) throws(EngineError) in try truth(c, isAll: true) },
    .one("aten.all.dims") { (c) throws(EngineError) in try truth(c, isAll: true) },
    .one("aten.count_nonzero.default", count), .one("aten.count_nonzero.dim_IntList", count),
    .one("aten.nansum.default") { (c) throws(EngineError) in
      let x = try c.cast(try c.x(), try c.result())
      let zero = try c.constant(0, like: x)
      let clean = try c.builder.apply(Where(), try c.builder.apply(IsNaN(), x), zero, x)
      return try reduced(c, clean, try c.ints("dim") ?? [], try c.bool("keepdim", false)) {
        ReduceSum($0)
      }
    },
  ]

  /// Reduces `axes`, all where there are none.
  static func reduced<Op: Operator>(
    _ c: TorchCall, _ x: ValueID, _ axes: [Int], _ keepDims: Bool, _ make: (ReduceAxes) -> Op
  ) throws(EngineError) -> ValueID {
    let rank = try c.rank(x)
    var list: [Int] = []
    for axis in axes { list.append(try c.axis(axis, rank)) }
    if rank == 0 { return x }
    let op = make(ReduceAxes(keepDims: keepDims))
    guard !list.isEmpty else { return try c.builder.apply(op, x) }
    return try c.builder.apply(op, x, try c.builder.ints(list.sorted()))
  }

  private static func all<Op: Operator>(
    _ c: TorchCall, _ make: (ReduceAxes) -> Op
  ) throws(EngineError) -> ValueID {
    try reduced(c, try number(c), [], false, make)
  }
  private static func some<Op: Operator>(
    _ c: TorchCall, _ make: (ReduceAxes) -> Op
  ) throws(EngineError) -> ValueID {
    try reduced(c, try number(c), try c.ints("dim") ?? [], try c.bool("keepdim", false), make)
  }

  /// The operand in the result's type, booleans as numbers at least.
  private static func number(_ c: TorchCall) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    return try c.cast(try c.x(), dtype == .bool ? .int32 : dtype)
  }

  /// The mean; over all axes of an image, as pooling is written.
  private static func mean(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try number(c)
    let rank = try c.rank(x)
    let keepDims = try c.bool("keepdim", false)
    var axes: [Int] = []
    for axis in try c.ints("dim") ?? [] { axes.append(try c.axis(axis, rank)) }
    // Of three axes the last is more often that of features, whose norms begin with this mean.
    if rank >= 4, keepDims, axes.sorted() == Array(2..<rank) {
      return try c.builder.apply(GlobalAveragePool(), x)
    }
    return try reduced(c, x, axes, keepDims) { ReduceMean($0) }
  }

  private static func truth(_ c: TorchCall, isAll: Bool) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.cast(try c.x(), .bool), .int32)
    let (axes, keepDims) = (try c.ints("dim") ?? [], try c.bool("keepdim", false))
    let found =
      isAll
      ? try reduced(c, x, axes, keepDims) { ReduceMin($0) }
      : try reduced(c, x, axes, keepDims) { ReduceMax($0) }
    return try c.cast(found, try c.result())
  }

  @Sendable private static func count(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.cast(try c.cast(try c.x(), .bool), .int64)
    return try reduced(c, x, try c.ints("dim") ?? [], false) { ReduceSum($0) }
  }
}
