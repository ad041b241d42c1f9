import Graphs
import Tensors

/// Convolutions, with the function fused behind them.
enum LiteConvolutions {
  static let operators: [LiteOperator] = [
    LiteOperator("CONV_2D") { (c) throws(EngineError) in
      let b = c.b
      // Filters are [O, H, W, I].
      let made = try b.convolution(
        try b.channelsFirst(try c.number(0)), try c.weight(1, [0, 3, 1, 2], scaleAxis: 0),
        try bias(c, 2), try window(c, strides: [2, 1], dilations: [5, 4]))
      return try c.activated(try b.channelsLast(made), try c.optionByte(3))
    },
    LiteOperator("DEPTHWISE_CONV_2D") { (c) throws(EngineError) in
      let b = c.b
      // Filters are [1, H, W, C M].
      let sizes = try b.sizes(try c.stored(1))
      guard sizes.count == 4, sizes[0] == 1 else {
        throw EngineError(.invalidModel, "the filter has not the sizes of a depthwise one")
      }
      let w = try c.weight(
        1, [3, 0, 1, 2], [sizes[3], 1, sizes[1], sizes[2]], scaleAxis: 0)
      let made = try b.convolution(
        try b.channelsFirst(try c.number(0)), w, try bias(c, 2),
        try window(c, strides: [2, 1], dilations: [6, 5]))
      return try c.activated(try b.channelsLast(made), try c.optionByte(4))
    },
    LiteOperator("CONV_3D") { (c) throws(EngineError) in
      let b = c.b
      // Filters are [D, H, W, I, O].
      let made = try b.convolution(
        try b.channelsFirst(try c.number(0)), try c.weight(1, [4, 3, 0, 1, 2], scaleAxis: 0),
        try bias(c, 2), try window(c, strides: [1, 3, 2], dilations: [5, 7, 6]))
      return try c.activated(try b.channelsLast(made), try c.optionByte(4))
    },
    LiteOperator("TRANSPOSE_CONV") { (c) throws(EngineError) in
      // Filters are [O, H, W, I].
      try transposed(
        c, try c.weight(1, [3, 0, 1, 2], scaleAxis: 1),
        try window(c, strides: [2, 1], dilations: []), activation: 3)
    },
    LiteOperator("CONV_3D_TRANSPOSE") { (c) throws(EngineError) in
      // Filters are [D, H, W, O, I].
      try transposed(
        c, try c.weight(1, [4, 3, 0, 1, 2], scaleAxis: 1),
        try window(c, strides: [1, 3, 2], dilations: [5, 7, 6]), activation: 4)
    },
  ]

  private static func transposed(
    _ c: LiteCall, _ w: ValueID, _ window: SpatialWindow, activation: Int
  ) throws(EngineError) -> ValueID {
    let b = c.b
    let sizes = b.fact(of: try c.stored(0)).elements
    let axes = window.strides.count
    guard sizes.map({ $0.count == axes + 2 }) ?? true else {
      throw EngineError(.invalidModel, "the sizes of a transposed convolution do not fit")
    }
    let made = try b.transposedConvolution(
      try b.channelsFirst(try c.number(2)), w, try bias(c, 3), window,
      output: sizes.map { Array($0[1...axes]) })
    return try c.activated(try b.channelsLast(made), try c.optionByte(activation))
  }

  private static func bias(_ c: LiteCall, _ i: Int) throws(EngineError) -> ValueID? {
    c.has(i) ? try c.number(i) : nil
  }

  /// The window of an operator whose padding is field 0 and whose strides and dilations are these
  /// fields, from the outermost axis on.
  static func window(
    _ c: LiteCall, strides: [Int], dilations: [Int]
  ) throws(EngineError) -> SpatialWindow {
    var (s, d): ([Int], [Int]) = ([], [])
    for i in strides { s.append(try c.optionInt(i, 1)) }
    for i in dilations { d.append(try c.optionInt(i, 1)) }
    if d.isEmpty { d = Array(repeating: 1, count: s.count) }
    let padding = try c.optionByte(0)
    guard padding == 0 || padding == 1 else {
      throw EngineError(.invalidModel, "the padding is not known")
    }
    return SpatialWindow(strides: s, dilations: d, padding: padding == 0 ? .same : .valid)
  }
}
