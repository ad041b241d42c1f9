import Graphs
import Tensors

/// Simulated quantisation, as quantisation and dequantisation.
enum TFFakeQuants {
  static let operators: [TFOperator] = [
    TFOperator("FakeQuantWithMinMaxArgs") { (c) throws(EngineError) in
      let b = c.b
      return try quantized(
        c, [Double(try c.a.float("min", -6))], [Double(try c.a.float("max", 6))], axis: nil, b)
    },
    TFOperator("FakeQuantWithMinMaxVars") { (c) throws(EngineError) in
      try quantized(c, [try c.double(1)], [try c.double(2)], axis: nil, c.b)
    },
    TFOperator("FakeQuantWithMinMaxVarsPerChannel") { (c) throws(EngineError) in
      guard let low = c.b.known(try c.tensor(1)), let high = c.b.known(try c.tensor(2)) else {
        throw EngineError(.unsupported, "the ranges must be constant")
      }
      return try quantized(
        c, try NumberTensor.doubles(low), try NumberTensor.doubles(high),
        axis: try c.rank(0) - 1, c.b)
    },
  ]

  /// Ranges are nudged so that 0 is a step, as `fake_quant_ops_functor.h` of TensorFlow does.
  private static func quantized(
    _ c: TFCall, _ lows: [Double], _ highs: [Double], axis: Int?, _ b: ConversionBuilder
  ) throws(EngineError) -> ValueID {
    let bits = try c.a.int("num_bits", 8)
    guard (2...16).contains(bits), lows.count == highs.count else {
      throw EngineError(.invalidModel, "the number of bits or ranges is out of range")
    }
    let least: Double = try c.a.bool("narrow_range") ? 1 : 0
    let most = Double((1 << bits) - 1)
    var (scales, zeros, bottoms, tops): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
    for (low, high) in zip(lows, highs) {
      let scale = Double((Float(high) - Float(low)) / Float(most - least))
      guard scale > 0, scale.isFinite else {
        throw EngineError(.invalidModel, "a range is empty", received: "\(low) to \(high)")
      }
      let zero = least - low / scale
      let nudged = min(max(zero.rounded(.toNearestOrAwayFromZero), least), most)
      scales.append(scale)
      zeros.append(nudged)
      bottoms.append((least - nudged) * scale)
      tops.append((most - nudged) * scale)
    }
    let x = try c.tensor(0)
    let shape: Shape = axis == nil ? [] : [scales.count]
    func numbers(_ list: [Double], _ dtype: DType) throws(EngineError) -> ValueID {
      try b.constant(try NumberTensor.tensor(list, shape: shape, dtype))
    }
    let raised = try b.onnx("Max", [x, try numbers(bottoms, .float32)])
    let clipped = try b.onnx("Min", [raised, try numbers(tops, .float32)])
    if bits == 8 {
      let scale = try numbers(scales, .float32)
      let zero = try numbers(zeros, .uint8)
      let place: [Attribute] = axis.map { [.int("axis", $0)] } ?? []
      let q = try b.onnx("QuantizeLinear", [clipped, scale, zero], place)
      return try b.onnx("DequantizeLinear", [q, scale, zero], place)
    }
    let scale = try numbers(scales, .float32)
    let shifted = try b.div(try b.sub(clipped, try numbers(bottoms, .float32)), scale)
    let step = try b.onnx("Floor", [try b.add(shifted, try b.number(0.5, .float32))])
    return try b.add(try b.mul(step, scale), try numbers(bottoms, .float32))
  }
}
