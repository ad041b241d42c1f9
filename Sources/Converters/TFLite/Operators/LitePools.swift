import Graphs
import Tensors

/// Maxima, averages and norms of windows.
enum LitePools {
  static let operators: [LiteOperator] = [
    LiteOperator("MAX_POOL_2D") { (c) throws(EngineError) in
      try pool(c) { (x, kernel, window) throws(EngineError) in
        try c.b.pool(x, kernel, window, isMaximum: true)
      }
    },
    .many("AVERAGE_POOL_2D") { (c) throws(EngineError) in
      if c.keepsScale([0]), try c.tensor(0).quantization != nil {
        return [.stored(.tensor(try integerAverage(c)))]
      }
      let made = try pool(c) { (x, kernel, window) throws(EngineError) in
        try c.b.pool(x, kernel, window, isMaximum: false)
      }
      return [.numbers(made)]
    },
    LiteOperator("L2_POOL_2D") { (c) throws(EngineError) in
      // The root of the mean of squares.
      try pool(c) { (x, kernel, window) throws(EngineError) in
        try c.b.onnx(
          "Sqrt", [try c.b.pool(try c.b.mul(x, x), kernel, window, isMaximum: false)])
      }
    },
  ]

  /// The average of integers of one scale, as the interpreter divides: halves away from zero, where
  /// quantisation would take the even neighbour.
  private static func integerAverage(_ c: LiteCall) throws(EngineError) -> ValueID {
    let b = c.b
    let q = try c.stored(0)
    let dtype = b.dtype(q) ?? .int8
    let window = try LiteConvolutions.window(c, strides: [2, 1], dilations: [])
    let kernel = [try c.optionInt(4), try c.optionInt(3)]
    let x = try b.cast(try b.channelsFirst(q), .float32)
    let mean = try b.pool(x, kernel, window, isMaximum: false)
    // Averages of up to 2500 integers are further apart than this, and errors of division smaller.
    let up = try b.onnx(
      "Floor", [try b.add(try b.onnx("Abs", [mean]), try b.number(0.5001, .float32))])
    let rounded = try b.mul(try b.onnx("Sign", [mean]), up)
    let limits = try limits(c, dtype)
    let clipped = try b.onnx(
      "Clip", [rounded, try b.number(limits.0, .float32), try b.number(limits.1, .float32)])
    return try b.channelsLast(try b.cast(clipped, dtype))
  }

  /// The integers between which the fused function leaves a result.
  private static func limits(_ c: LiteCall, _ dtype: DType) throws(EngineError) -> (Double, Double)
  {
    guard let scale = try c.tensor(0).quantization?.scales.first,
      let zero = try c.tensor(0).quantization?.zeros.first
    else { throw EngineError(.invalidModel, "a quantised tensor has no scale") }
    func place(_ value: Double) -> Double {
      Double(zero) + (value / Double(scale)).rounded(.toNearestOrAwayFromZero)
    }
    let (least, most): (Double, Double) =
      switch dtype {
      case .uint8: (0, 255)
      case .int16: (-32768, 32767)
      default: (-128, 127)
      }
    switch try c.optionByte(5) {
    case 0: return (least, most)
    case 1: return (max(least, place(0)), most)
    case 2: return (max(least, place(-1)), min(most, place(1)))
    case 3: return (max(least, place(0)), min(most, place(6)))
    default: throw EngineError(.unsupported, "the fused activation is not known")
    }
  }

  private static func pool(
    _ c: LiteCall, _ body: (ValueID, [Int], SpatialWindow) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let b = c.b
    let window = try LiteConvolutions.window(c, strides: [2, 1], dilations: [])
    let kernel = [try c.optionInt(4), try c.optionInt(3)]
    let made = try body(try b.channelsFirst(try c.number(0)), kernel, window)
    return try c.activated(try b.channelsLast(made), try c.optionByte(5))
  }
}
