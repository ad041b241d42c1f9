import Graphs
import Operators
import Tensors

/// Bounds on elements.
enum TorchClamp {
  static let operators: [TorchOperator] = [
    .one("aten.clamp.default", inPlace: true) { (c) throws(EngineError) in
      try bounded(c, "min", "max")
    },
    .one("aten.clip.default", inPlace: true) { (c) throws(EngineError) in
      try bounded(c, "min", "max")
    },
    .one("aten.clamp_min.default", inPlace: true) { (c) throws(EngineError) in
      try bounded(c, "min", nil)
    },
    .one("aten.clamp_max.default", inPlace: true) { (c) throws(EngineError) in
      try bounded(c, nil, "max")
    },
    .one("aten.hardtanh.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      return try clipped(
        c, x, try c.double("min_val", -1), try c.double("max_val", 1))
    },
    .one("aten.relu6.default", inPlace: true) { (c) throws(EngineError) in
      try clipped(c, try c.x(), 0, 6)
    },
    .one("aten.clamp.Tensor", inPlace: true, byTensors),
    .one("aten.clamp_min.Tensor", inPlace: true, byTensors),
    .one("aten.clamp_max.Tensor", inPlace: true, byTensors),
  ]

  static func clipped(
    _ c: TorchCall, _ x: ValueID, _ low: Double, _ high: Double
  ) throws(EngineError) -> ValueID {
    try c.builder.apply(Clip(), x, try c.constant(low, like: x), try c.constant(high, like: x))
  }

  private static func bounded(
    _ c: TorchCall, _ low: String?, _ high: String?
  ) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    let x = try c.cast(try c.x(), dtype)
    var inputs: [ValueID?] = [x]
    for name in [low, high] {
      guard let name, c.has(name) else {
        inputs.append(nil)
        continue
      }
      inputs.append(try c.value(try c.operand(name), dtype))
    }
    while inputs.last == .some(nil) { inputs.removeLast() }
    return inputs.count == 1 ? x : try c.builder.apply(Clip(), inputs: inputs)
  }

  @Sendable private static func byTensors(_ c: TorchCall) throws(EngineError) -> ValueID {
    let dtype = try c.result()
    var x = try c.cast(try c.x(), dtype)
    if c.has("min") {
      x = try c.builder.apply(Max(), x, try c.value(try c.operand("min"), dtype))
    }
    if c.has("max") {
      x = try c.builder.apply(Min(), x, try c.value(try c.operand("max"), dtype))
    }
    return x
  }
}
