import Graphs
import Tensors

/// Constants and what makes tensors out of sizes.
enum TFConstants {
  static let operators: [TFOperator] = [
    TFOperator("Const") { (c) throws(EngineError) in
      guard let message = try c.a.tensor("value") else {
        throw EngineError(.invalidModel, "a constant has no value")
      }
      let tensor = try TFTensor.tensor(message)
      return tensor.count <= 64 ? try c.b.constant(tensor) : c.b.weight(c.node.name, tensor)
    },
    TFOperator("Fill") { (c) throws(EngineError) in
      try expanded(try c.tensor(1), try c.tensor(0), c)
    },
    TFOperator("ZerosLike") { (c) throws(EngineError) in try like(0, c) },
    TFOperator("OnesLike") { (c) throws(EngineError) in try like(1, c) },
    TFOperator("Range") { (c) throws(EngineError) in
      try c.b.onnx("Range", try c.tensors())
    },
    TFOperator("LinSpace") { (c) throws(EngineError) in
      let b = c.b
      let (start, stop, count) = (try c.tensor(0), try c.tensor(1), try c.int(2))
      guard count >= 1, count <= 1 << 24 else {
        throw EngineError(.invalidModel, "the number of steps is out of range")
      }
      let places = (0..<count).map { count == 1 ? 0 : Double($0) / Double(count - 1) }
      let steps = try b.constant(
        try NumberTensor.tensor(places, shape: [count], b.dtype(start) ?? .float32))
      return try b.add(start, try b.mul(try b.sub(stop, start), steps))
    },
    TFOperator("OneHot") { (c) throws(EngineError) in
      let b = c.b
      let on = try c.tensor(2)
      let values = try b.concat(
        [try b.reshape(try c.tensor(3), [1]), try b.reshape(on, [1])], axis: 0)
      // Indices below 0 count from the end in ONNX and give only off in TensorFlow.
      var indices = try b.cast(try c.tensor(0), .int64)
      let depth = try b.cast(try c.tensor(1), .int64)
      let isNegative = try b.onnx("Less", [indices, try b.scalar(0)])
      indices = try b.onnx("Where", [isNegative, try b.scalar(Int.max >> 1), indices])
      return try b.onnx(
        "OneHot", [indices, try b.reshape(depth, []), values],
        [.int("axis", try c.a.int("axis", -1))])
    },
  ]

  /// A scalar repeated to sizes that are a value.
  static func expanded(
    _ value: ValueID, _ shape: ValueID, _ c: TFCall
  ) throws(EngineError) -> ValueID {
    try c.b.onnx("Expand", [value, try c.b.cast(shape, .int64)])
  }

  private static func like(_ number: Double, _ c: TFCall) throws(EngineError) -> ValueID {
    let b = c.b
    let x = try c.tensor(0)
    return try b.onnx("Expand", [try b.number(number, like: x), try b.shape(x)])
  }
}
