import Graphs
import Operators
import Tensors

/// Quantised operators. Products are summed in 32 bits; sums become results by a factor of 31 bits
/// and a shift, without floats.
enum CQuantization {
  static let operators: [String: COperators.Entry] = [
    "QuantizeLinear": .init { (b) throws(EngineError) in
      guard let op = b.op as? QuantizeLinear, op.scales.block == 0 else {
        throw b.refuse("blocks")
      }
      try quantize(&b, axis: op.scales.axis)
    },
    "DequantizeLinear": .init { (b) throws(EngineError) in
      guard let op = b.op as? DequantizeLinear, op.scales.block == 0 else {
        throw b.refuse("blocks")
      }
      try dequantize(&b, axis: op.scales.axis)
    },
    "DynamicQuantizeLinear": .init { (b) throws(EngineError) in try dynamic(&b) },
    "QLinearConv": .init { (b) throws(EngineError) in try conv(&b) },
    "QLinearMatMul": .init { (b) throws(EngineError) in try matMul(&b) },
    "ConvInteger": .init { (b) throws(EngineError) in
      guard let op = b.op as? ConvInteger else { return }
      let g = try CConvolutions.Geometry(
        op.window, group: op.group, x: b.input(0).shape, w: b.input(1).shape)
      let (zx, zw) = (try zero(&b, 2), try zero(&b, 3, at: "m"))
      try integerSum(&b, g, x: 0, w: 1, zx, zw, start: "0")
      b.line("\(b.y())[\(CConvolutions.outputPlace(g))] = sum;")
      b.close(g.axes + 3)
    },
    "MatMulInteger": .init { (b) throws(EngineError) in
      let layout = try CProducts.Layout(b.input(0).shape, b.input(1).shape)
      for k in 2...3 where b.has(k) {
        guard try b.input(k).count == 1 else { throw b.refuse("zero points of rows or columns") }
      }
      let (za, zb) = (try zero(&b, 2, at: "row"), try zero(&b, 3, at: "column"))
      layout.open(&b)
      product(&b, layout, a: 0, b: 1, za, zb)
      b.line("\(b.y())[\(layout.target)] = sum;")
      b.close(layout.loops)
    },
  ]

  /// The least and the largest of an integer type of up to 16 bits.
  private static func range(_ dtype: DType) -> (low: Int, high: Int)? {
    switch dtype {
    case .int8: (-128, 127)
    case .uint8: (0, 255)
    case .int16: (-32_768, 32_767)
    case .uint16: (0, 65_535)
    default: nil
    }
  }

  /// A zero point: a number, an element of the input, or 0 where there is none.
  private static func zero(
    _ b: inout CBody, _ k: Int, at index: String = "0"
  ) throws(EngineError) -> String {
    guard b.has(k) else { return "0" }
    let value = try b.input(k)
    if let number = value.scalar { return "\(Int(number))" }
    if let list = value.ints, let first = list.first, list.allSatisfy({ $0 == first }) {
      return "\(first)"
    }
    return "\(b.x(k))[\(value.count == 1 ? "0" : index)]"
  }

  // MARK: Between floats and integers

  /// Opens loops over a tensor with one scale for each index of an axis; gives the place.
  private static func open(
    _ b: inout CBody, _ shape: Shape, _ scale: CValue, axis given: Int
  ) throws(EngineError) -> (place: String, at: String, loops: Int) {
    if scale.count == 1 {
      b.loop("i", shape.count)
      return ("i", "0", 1)
    }
    let axis = given < 0 ? given + shape.rank : given
    guard (0..<shape.rank).contains(axis), scale.count == shape[axis] else {
      throw b.refuse("scales that do not fit")
    }
    let inner = shape.count(of: axis + 1..<shape.rank)
    b.loop("n", shape.count(of: 0..<axis))
    b.loop("c", shape[axis])
    b.loop("i", inner)
    return ("(n * \(shape[axis]) + c) * \(inner) + i", "c", 3)
  }

  private static func quantize(_ b: inout CBody, axis: Int) throws(EngineError) {
    let (x, scale, y) = (try b.input(0), try b.input(1), try b.output())
    guard x.dtype == .float32, scale.dtype == .float32, let range = range(y.dtype) else {
      throw b.refuse("from \(x.dtype) to \(y.dtype)")
    }
    let loops = try open(&b, x.shape, scale, axis: axis)
    let z = try zero(&b, 2, at: loops.at)
    let s = scale.scalar.map { CType.number(Float($0)) } ?? "\(b.x(1))[\(loops.at)]"
    b.line("const float v = rintf(\(b.x(0))[\(loops.place)] / \(s)) + (float)\(z);")
    let type = CType.name(y.dtype) ?? "int8_t"
    let (low, high) = ("\(range.low).0f", "\(range.high).0f")
    b.line(
      "\(b.y())[\(loops.place)] = (\(type))(v >= \(low) ? (v <= \(high) ? v : \(high)) : \(low));")
    b.close(loops.loops)
  }

  private static func dequantize(_ b: inout CBody, axis: Int) throws(EngineError) {
    let (x, scale, y) = (try b.input(0), try b.input(1), try b.output())
    guard scale.dtype == .float32, y.dtype == .float32,
      range(x.dtype) != nil || x.dtype == .int32
    else { throw b.refuse("from \(x.dtype) to \(y.dtype)") }
    let loops = try open(&b, x.shape, scale, axis: axis)
    let z = try zero(&b, 2, at: loops.at)
    let s = scale.scalar.map { CType.number(Float($0)) } ?? "\(b.x(1))[\(loops.at)]"
    let value = "\(b.x(0))[\(loops.place)]"
    b.line(
      "\(b.y())[\(loops.place)] = (float)\(z == "0" ? value : "(\(value) - \(z))") * \(s);")
    b.close(loops.loops)
  }

  private static func dynamic(_ b: inout CBody) throws(EngineError) {
    let count = try b.input(0).count
    b.line("float low = 0.0f, high = 0.0f;")
    b.loop("i", count)
    b.line("if (\(b.x(0))[i] < low) low = \(b.x(0))[i];")
    b.line("if (\(b.x(0))[i] > high) high = \(b.x(0))[i];")
    b.close()
    b.line("const float scale = high > low ? (high - low) / 255.0f : 1.0f;")
    b.line("float zero = rintf(-low / scale);")
    b.line("zero = zero < 0.0f ? 0.0f : zero > 255.0f ? 255.0f : zero;")
    b.loop("i", count)
    b.line("const float v = rintf(\(b.x(0))[i] / scale) + zero;")
    b.line("\(b.y(0))[i] = (uint8_t)(v >= 0.0f ? (v <= 255.0f ? v : 255.0f) : 0.0f);")
    b.close()
    if b.wants(1) { b.line("\(b.y(1))[0] = scale;") }
    if b.wants(2) { b.line("\(b.y(2))[0] = (uint8_t)zero;") }
  }

  // MARK: Products of integers

  /// Opens the loops of a convolution and sums its products in `sum`.
  private static func integerSum(
    _ b: inout CBody, _ g: CConvolutions.Geometry, x: Int, w: Int, _ zx: String, _ zw: String,
    start: String
  ) throws(EngineError) {
    CConvolutions.openOutputs(&b, g)
    b.line("int32_t sum = \(start);")
    CConvolutions.openTaps(&b, g)
    let (source, filter) = CConvolutions.places(g)
    let left = less("\(b.x(x))[\(source)]", zx)
    b.line("sum += \(left) * \(less("\(b.x(w))[\(filter)]", zw));")
    b.close(g.axes + 1)
  }

  private static func less(_ value: String, _ zero: String) -> String {
    zero == "0"
      ? value : zero.hasPrefix("-") ? "(\(value) + \(zero.dropFirst()))" : "(\(value) - \(zero))"
  }

  private static func product(
    _ b: inout CBody, _ layout: CProducts.Layout, a: Int, b other: Int, _ za: String, _ zb: String
  ) {
    b.line("int32_t sum = 0;")
    b.loop("k", layout.depth)
    let left = less("\(b.x(a))[\(layout.left)]", za)
    b.line("sum += \(left) * \(less("\(b.x(other))[\(layout.right)]", zb));")
    b.close()
  }

  /// A factor as an integer of 31 bits and a shift to the right: `factor = bits * 2^-shift`.
  ///
  /// Source: gemmlowp's fixed-point multiplier (Jacob et al. 2018, section 2.2).
  private static func fixed(_ factor: Double) -> (bits: Int, shift: Int)? {
    guard factor > 0, factor.isFinite else { return nil }
    var bits = Int((factor.significand * 0x1p30).rounded())
    var shift = 30 - Int(factor.exponent)
    if bits == 1 << 31 { (bits, shift) = (bits / 2, shift - 1) }
    guard shift >= 1 else { return nil }
    // What is that small is nothing.
    return shift > 62 ? (0, 1) : (bits, shift)
  }

  /// Writes `y[place]` of `sum`: scaled, shifted to the zero point and kept in range.
  private static func requantize(
    _ b: inout CBody, _ place: String, _ dtype: DType, zero: Int, bits: String, shift: String
  ) throws(EngineError) {
    guard let range = range(dtype) else { throw b.refuse("to \(dtype)") }
    b.line("const int64_t exact = (int64_t)sum * \(bits);")
    b.line("const int64_t half = INT64_C(1) << (\(shift) - 1);")
    b.line(
      "int64_t v = exact >= 0 ? (exact + half) >> \(shift) : -((half - exact) >> \(shift));")
    if zero != 0 { b.line("v += \(zero);") }
    let type = CType.name(dtype) ?? "int8_t"
    b.line(
      "\(b.y())[\(place)] = (\(type))(v < \(range.low) ? \(range.low) : v > \(range.high) ? "
        + "\(range.high) : v);")
  }

  /// Numbers of a constant input.
  private static func numbers(
    _ b: CBody, _ k: Int, _ what: String
  ) throws(EngineError) -> [Double] {
    guard let tensor = try b.input(k).constant else { throw b.refuse("\(what) must be constant") }
    return (0..<tensor.count).compactMap { tensor.asDouble($0) }
  }

  private static func conv(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? QLinearConv else { return }
    let g = try CConvolutions.Geometry(
      op.window, group: op.group, x: b.input(0).shape, w: b.input(3).shape)
    let sx = try numbers(b, 1, "the scale of x").first ?? 1
    let sw = try numbers(b, 4, "the scale of w")
    let sy = try numbers(b, 6, "the scale of y").first ?? 1
    let zy = b.has(7) ? Int(try numbers(b, 7, "the zero point of y").first ?? 0) : 0
    let outputs = g.group * g.outputs
    guard sw.count == 1 || sw.count == outputs else { throw b.refuse("scales that do not fit") }
    var (bits, shift) = ("", "")
    if sw.count == 1 {
      guard let one = fixed(sx * sw[0] / sy) else { throw b.refuse("a factor out of range") }
      (bits, shift) = ("\(one.bits)", "\(one.shift)")
    } else {
      var list: [(bits: Int, shift: Int)] = []
      for s in sw {
        guard let one = fixed(sx * s / sy) else { throw b.refuse("a factor out of range") }
        list.append(one)
      }
      b.table("int32_t", "factors", list.map { "\($0.bits)" })
      b.table("int", "shifts", list.map { "\($0.shift)" })
      (bits, shift) = ("factors[m]", "shifts[m]")
    }
    let (zx, zw) = (try zero(&b, 2), try zero(&b, 5, at: "m"))
    let start = b.has(8) ? "\(b.x(8))[m]" : "0"
    try integerSum(&b, g, x: 0, w: 3, zx, zw, start: start)
    try requantize(
      &b, CConvolutions.outputPlace(g), b.output().dtype, zero: zy, bits: bits, shift: shift)
    b.close(g.axes + 3)
  }

  private static func matMul(_ b: inout CBody) throws(EngineError) {
    let layout = try CProducts.Layout(b.input(0).shape, b.input(3).shape)
    let sa = try numbers(b, 1, "the scale of a")
    let sb = try numbers(b, 4, "the scale of b")
    let sy = try numbers(b, 6, "the scale of y").first ?? 1
    let zy = Int(try numbers(b, 7, "the zero point of y").first ?? 0)
    guard sa.count == 1, sb.count == 1 || sb.count == layout.columns else {
      throw b.refuse("scales of rows")
    }
    var (bits, shift) = ("", "")
    var list: [(bits: Int, shift: Int)] = []
    for s in sb {
      guard let one = fixed(sa[0] * s / sy) else { throw b.refuse("a factor out of range") }
      list.append(one)
    }
    if list.count == 1 {
      (bits, shift) = ("\(list[0].bits)", "\(list[0].shift)")
    } else {
      b.table("int32_t", "factors", list.map { "\($0.bits)" })
      b.table("int", "shifts", list.map { "\($0.shift)" })
      (bits, shift) = ("factors[column]", "shifts[column]")
    }
    let (za, zb) = (try zero(&b, 2), try zero(&b, 5, at: "column"))
    layout.open(&b)
    product(&b, layout, a: 0, b: 3, za, zb)
    try requantize(
      &b, layout.target, b.output().dtype, zero: zy, bits: bits, shift: shift)
    b.close(layout.loops)
  }
}
