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
    LiteOperator("AVERAGE_POOL_2D") { (c) throws(EngineError) in
      try pool(c) { (x, kernel, window) throws(EngineError) in
        try c.b.pool(x, kernel, window, isMaximum: false)
      }
    },
    LiteOperator("L2_POOL_2D") { (c) throws(EngineError) in
      // The root of the mean of squares.
      try pool(c) { (x, kernel, window) throws(EngineError) in
        try c.b.onnx(
          "Sqrt", [try c.b.pool(try c.b.mul(x, x), kernel, window, isMaximum: false)])
      }
    },
  ]

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
