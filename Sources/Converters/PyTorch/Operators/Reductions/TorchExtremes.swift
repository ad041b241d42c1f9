import Graphs
import Operators
import Tensors

/// Largest and smallest elements, and where they are.
enum TorchExtremes {
  static let operators: [TorchOperator] = [
    TorchOperator("aten.max.dim") { (c) throws(EngineError) in
      try valueAndPlace(c, { ReduceMax($0) }, { ArgMax($0) })
    },
    TorchOperator("aten.min.dim") { (c) throws(EngineError) in
      try valueAndPlace(c, { ReduceMin($0) }, { ArgMin($0) })
    },
    .one("aten.argmax.default") { (c) throws(EngineError) in try place(c) { ArgMax($0) } },
    .one("aten.argmin.default") { (c) throws(EngineError) in try place(c) { ArgMin($0) } },
    TorchOperator("aten.aminmax.default") { (c) throws(EngineError) in
      let x = try c.x()
      let axes = try c.ints("dim") ?? []
      let keepDims = try c.bool("keepdim", false)
      return [
        .tensor(try TorchReduction.reduced(c, x, axes, keepDims) { ReduceMin($0) }),
        .tensor(try TorchReduction.reduced(c, x, axes, keepDims) { ReduceMax($0) }),
      ]
    },
  ]

  private static func valueAndPlace<Value: Operator, Place: Operator>(
    _ c: TorchCall, _ value: (ReduceAxes) -> Value, _ place: (ArgOptions) -> Place
  ) throws(EngineError) -> [TorchValue] {
    var x = try c.x()
    if try c.dtype(of: x) == .bool { x = try c.cast(x, .int32) }
    let rank = try c.rank(x)
    let axis = try c.axis(try c.int("dim"), rank)
    let keepDims = try c.bool("keepdim", false)
    guard rank > 0 else { return [.tensor(x), .tensor(try c.builder.scalar(0))] }
    return [
      .tensor(try TorchReduction.reduced(c, x, [axis], keepDims, value)),
      .tensor(
        try c.builder.apply(place(ArgOptions(axis: axis, keepDims: keepDims)), x)),
    ]
  }

  /// The place along an axis, or in the flattened tensor.
  private static func place<Place: Operator>(
    _ c: TorchCall, _ make: (ArgOptions) -> Place
  ) throws(EngineError) -> ValueID {
    var x = try c.x()
    if try c.dtype(of: x) == .bool { x = try c.cast(x, .int32) }
    let rank = try c.rank(x)
    let keepDims = try c.bool("keepdim", false)
    guard rank > 0 else { return try c.builder.scalar(0) }
    if c.has("dim") {
      let axis = try c.axis(try c.int("dim"), rank)
      return try c.builder.apply(make(ArgOptions(axis: axis, keepDims: keepDims)), x)
    }
    let flat = try c.reshaped(x, [-1])
    let found = try c.builder.apply(make(ArgOptions(axis: 0, keepDims: false)), flat)
    return keepDims ? try c.reshaped(found, Array(repeating: 1, count: rank)) : found
  }
}
