import Graphs
import Operators
import Tensors

/// Tensors that are made and not computed.
enum TorchCreate {
  static let operators: [TorchOperator] = TorchOperator.joined(
    ["zeros", "new_zeros", "zeros_like"].map { filled($0, 0) },
    ["ones", "new_ones", "ones_like"].map { filled($0, 1) }, fulls, rows)

  private static let fulls: [TorchOperator] = [
    filled("empty.memory_format", 0), filled("new_empty", 0), filled("empty_like", 0),
    filled("empty_permuted", 0),
    .one("aten.new_empty_strided.default") { (c) throws(EngineError) in
      try full(c, try c.sizes("size") ?? [], .number(.int(0)))
    },
    .one("aten.empty_strided.default") { (c) throws(EngineError) in
      try full(c, try c.sizes("size") ?? [], .number(.int(0)))
    },
    .one("aten.full.default") { (c) throws(EngineError) in
      try full(c, try c.sizes("size") ?? [], try c.operand("fill_value"))
    },
    .one("aten.new_full.default") { (c) throws(EngineError) in
      try full(c, try c.sizes("size") ?? [], try c.operand("fill_value"))
    },
    .one("aten.full_like.default") { (c) throws(EngineError) in
      try full(c, try c.sizes(of: try c.x()), try c.operand("fill_value"))
    },
    .one("aten.fill.Scalar", inPlace: true) { (c) throws(EngineError) in
      try full(c, try c.sizes(of: try c.x()), try c.operand("value"))
    },
    .one("aten.fill.Tensor", inPlace: true) { (c) throws(EngineError) in
      try full(c, try c.sizes(of: try c.x()), try c.operand("value"))
    },
    .one("aten.zero.default", inPlace: true) { (c) throws(EngineError) in
      try full(c, try c.sizes(of: try c.x()), .number(.int(0)))
    },
    .one("aten.scalar_tensor.default") { (c) throws(EngineError) in
      try c.value(try c.operand("s"), try c.result())
    },
  ]

  private static let rows: [TorchOperator] = [
    .one("aten.arange.default") { (c) throws(EngineError) in try range(c) },
    .one("aten.arange.start") { (c) throws(EngineError) in try range(c) },
    .one("aten.arange.start_step") { (c) throws(EngineError) in try range(c) },
    .one("aten.linspace.default", linspace),
    .one("aten.eye.default") { (c) throws(EngineError) in try eye(c) },
    .one("aten.eye.m") { (c) throws(EngineError) in try eye(c) },
    .one("aten.tril.default", inPlace: true) { (c) throws(EngineError) in
      try triangle(c, isUpper: false)
    },
    .one("aten.triu.default", inPlace: true) { (c) throws(EngineError) in
      try triangle(c, isUpper: true)
    },
    .one("aten.tril_indices.default", indices), .one("aten.triu_indices.default", indices),
  ]

  /// Of given sizes, or those of an operand.
  private static func filled(_ name: String, _ value: Int) -> TorchOperator {
    .one("aten.\(name.contains(".") ? name : name + ".default")") { (c) throws(EngineError) in
      if let sizes = try c.sizes("size") { return try full(c, sizes, .number(.int(value))) }
      return try full(c, try c.sizes(of: try c.x()), .number(.int(value)))
    }
  }

  /// A tensor with one value: a constant that is expanded to its sizes.
  private static func full(
    _ c: TorchCall, _ sizes: [TorchSize], _ value: TorchOperand
  ) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    if sizes.isEmpty { return try c.value(value, dtype) }
    if case .number(let n) = value {
      return try c.builder.apply(
        ConstantOfShape(try TorchScalar.tensor(n, dtype, shape: [1])), try c.vector(sizes))
    }
    return try c.expanded(try c.value(value, dtype), sizes)
  }

  private static func range(_ c: TorchCall) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    // What PyTorch computes a range of narrow elements in.
    let made: DType =
      [.int64, .int32, .int16, .float32, .float64].contains(dtype)
      ? dtype : dtype.isFloat ? .float32 : .int64
    let start = c.has("start") ? try c.operand("start") : .number(.int(0))
    let step = c.has("step") ? try c.operand("step") : .number(.int(1))
    let x = try c.builder.apply(
      RangeOp(), try c.value(start, made), try c.value(try c.operand("end"), made),
      try c.value(step, made))
    return try c.cast(x, dtype)
  }

  @Sendable private static func linspace(_ c: TorchCall) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    let count = try c.int("steps")
    guard count >= 0, count <= 1 << 24 else {
      throw EngineError(.budget, "'steps' is out of range", received: "\(count)")
    }
    let (first, last) = (try c.double("start", 0), try c.double("end", 1))
    let step = count > 1 ? (last - first) / Double(count - 1) : 0
    // From the nearer end, as PyTorch computes it.
    let values = (0..<count).map { i -> Double in
      i < count / 2 || count == 1
        ? first + Double(i) * step : last - Double(count - 1 - i) * step
    }
    return try c.cast(try c.builder.constant(try Tensor(shape: [count], values)), dtype)
  }

  private static func eye(_ c: TorchCall) throws(EngineError) -> ValueID {
    let rows = try c.int("n")
    let columns = try c.int("m", rows)
    let sizes = try c.builder.ints([rows, columns])
    let zeros = try c.builder.apply(
      ConstantOfShape(try TorchScalar.tensor(.int(0), .float32, shape: [1])), sizes)
    return try c.cast(try c.builder.apply(EyeLike(), zeros), try c.result())
  }

  private static func triangle(_ c: TorchCall, isUpper: Bool) throws(EngineError) -> ValueID {
    try c.builder.apply(
      Trilu(isUpper: isUpper), try c.x(), try c.builder.scalar(try c.int("diagonal", 0)))
  }

  /// `[2, count]`: rows and columns of a triangle.
  @Sendable private static func indices(_ c: TorchCall) throws(EngineError) -> ValueID {
    let isUpper = c.node.target.contains("triu")
    let (rows, columns) = (try c.int("row"), try c.int("col"))
    let offset = try c.int("offset", 0)
    guard rows >= 0, columns >= 0, rows <= 1 << 12, columns <= 1 << 12, abs(offset) <= 1 << 12
    else { throw EngineError(.budget, "the triangle is too large") }
    var places: ([Int64], [Int64]) = ([], [])
    for i in 0..<rows {
      for j in 0..<columns where isUpper ? j - i >= offset : j - i <= offset {
        places.0.append(Int64(i))
        places.1.append(Int64(j))
      }
    }
    let made = try Tensor(shape: [2, places.0.count], places.0 + places.1)
    return try c.cast(try c.builder.constant(made), try c.result())
  }
}
