import Graphs
import Tensors

/// Integers that stand for numbers, and numbers.
enum LiteNumbers {
  static let operators: [LiteOperator] = [
    // The result's scale does the rounding.
    LiteOperator("QUANTIZE") { (c) throws(EngineError) in try c.number(0) },
    .plain("DEQUANTIZE") { (c) throws(EngineError) in
      let id = try c.number(0)
      guard c.b.dtype(id) == .float16 else { return id }
      // Weights of half precision become single ones at once.
      if let t = c.b.fact(of: id).constant {
        let values = t.elements(Float16.self).map { Float($0) }
        let wide = try Tensor(shape: t.shape, values)
        return t.count <= 64
          ? try c.b.constant(wide) : c.b.weight(c.output?.name ?? "weight", wide)
      }
      return try c.b.cast(id, .float32)
    },
    LiteOperator("FAKE_QUANT", "the range is clipped and rounded to steps") {
      (c) throws(EngineError) in
      let b = c.b
      let (low, high) = (Double(try c.optionFloat(0)), Double(try c.optionFloat(1)))
      let bits = try c.optionInt(2, 8)
      guard (2...16).contains(bits), high > low, low.isFinite, high.isFinite else {
        throw EngineError(.invalidModel, "the range or the number of bits is illegal")
      }
      let least: Double = try c.optionFlag(3) ? 1 : 0
      let most = Double((1 << bits) - 1)
      let step = Double(Float(high - low) / Float(most - least))
      let zero = min(max((least - low / step).rounded(.toNearestOrAwayFromZero), least), most)
      let (bottom, top) = ((least - zero) * step, (most - zero) * step)
      let x = try c.number(0)
      let clipped = try b.onnx(
        "Clip", [x, try b.number(bottom, like: x), try b.number(top, like: x)])
      let scale = try b.number(step, like: x)
      let shifted = try b.div(try b.sub(clipped, try b.number(bottom, like: x)), scale)
      let rounded = try b.onnx("Floor", [try b.add(shifted, try b.number(0.5, like: x))])
      return try b.add(try b.mul(rounded, scale), try b.number(bottom, like: x))
    },
    .plain("RANDOM_UNIFORM", "other numbers of the same distribution") {
      (c) throws(EngineError) in
      try drawn(c, "RandomUniformLike", [.float("low", 0), .float("high", 1)])
    },
    .plain("RANDOM_STANDARD_NORMAL", "other numbers of the same distribution") {
      (c) throws(EngineError) in
      try drawn(c, "RandomNormalLike", [])
    },
    .plain("BITCAST", "types of one size") { (c) throws(EngineError) in
      let x = try c.stored(0)
      guard let dtype = c.output?.dtype, dtype.byteSize == c.b.dtype(x)?.byteSize else {
        throw EngineError(.unsupported, "bits are read as a type of another size")
      }
      if c.b.dtype(x) == dtype { return x }
      return try c.b.onnx("BitCast", [x], [.dtype("to", dtype)], opset: 26)
    },
    .plain("MATRIX_DIAG") { (c) throws(EngineError) in
      try c.b.diagonal(try c.stored(0))
    },
    .plain("MATRIX_SET_DIAG") { (c) throws(EngineError) in
      try c.b.setDiagonal(try c.stored(0), try c.stored(1))
    },
  ]

  private static func drawn(
    _ c: LiteCall, _ type: String, _ attributes: [Attribute]
  ) throws(EngineError) -> ValueID {
    let b = c.b
    c.session.note("an operator draws other numbers of the same distribution")
    let like = try b.onnx(
      "Expand", [try b.number(0, .float32), try b.cast(try c.stored(0), .int64)])
    return try b.onnx(type, [like], attributes)
  }
}
