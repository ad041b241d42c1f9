import Graphs
import Operators
import Tensors

/// Normalisations.
enum TorchNormalization {
  static let operators: [TorchOperator] = [
    .one("aten.batch_norm.default", note: "with running statistics") { (c) throws(EngineError) in
      try batch(c, "input")
    },
    TorchOperator("aten._native_batch_norm_legit_no_training.default") { (c) throws(EngineError) in
      [.tensor(try batch(c, "input")), .none, .none]
    },
    TorchOperator("aten.native_batch_norm.default", note: "with running statistics") {
      (c) throws(EngineError) in [.tensor(try batch(c, "input")), .none, .none]
    },
    TorchOperator("aten._native_batch_norm_legit.no_stats") { (c) throws(EngineError) in
      [.tensor(try ownStatistics(c)), .none, .none]
    },
    .one("aten.instance_norm.default") { (c) throws(EngineError) in
      if c.has("running_mean"), !(try c.bool("use_input_stats", true)) {
        return try batch(c, "input")
      }
      let x = try c.x("input")
      return try c.builder.apply(
        InstanceNormalization(epsilon: Float(try c.double("eps", 1e-5))), x,
        try vector(c, "weight", 1, x), try vector(c, "bias", 0, x))
    },
    .one("aten.group_norm.default") { (c) throws(EngineError) in
      try group(c, try c.int("num_groups"))
    },
    TorchOperator("aten.native_group_norm.default") { (c) throws(EngineError) in
      [.tensor(try group(c, try c.int("group"))), .none, .none]
    },
    .one("aten.layer_norm.default") { (c) throws(EngineError) in try layer(c) },
    TorchOperator("aten.native_layer_norm.default") { (c) throws(EngineError) in
      [.tensor(try layer(c)), .none, .none]
    },
    .one("aten.rms_norm.default") { (c) throws(EngineError) in try rootMeanSquare(c) },
    TorchOperator("aten._fused_rms_norm.default") { (c) throws(EngineError) in
      [.tensor(try rootMeanSquare(c)), .none]
    },
    .one("aten.local_response_norm.default") { (c) throws(EngineError) in
      try c.builder.apply(
        LRN(
          size: try c.int("size"), alpha: Float(try c.double("alpha", 1e-4)),
          beta: Float(try c.double("beta", 0.75)), bias: Float(try c.double("k", 1))),
        try c.x("input"))
    },
  ]

  private static func channels(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> Int {
    let dims = try c.dims(x)
    guard dims.count >= 2, let channels = dims[1].known else {
      throw EngineError(.unsupported, "the number of channels has to be known")
    }
    return channels
  }

  /// A parameter of each channel, or a vector of `fallback`.
  private static func vector(
    _ c: TorchCall, _ name: String, _ fallback: Double, _ x: ValueID
  ) throws(EngineError) -> ValueID {
    if let given = try c.optional(name) { return given }
    return try c.filled(fallback, try channels(c, x), like: x)
  }

  private static func batch(_ c: TorchCall, _ input: String) throws(EngineError) -> ValueID {
    guard !(try c.bool("training", false)) else {
      // Without running statistics that is no mode: networks standardise weights by it.
      if input == "input", !c.has("running_mean") { return try ownStatistics(c) }
      throw EngineError(
        .unsupported, "a batch norm in training mode", hint: "call eval() before the export")
    }
    let x = try c.x(input)
    return try c.builder.apply(
      BatchNormalization(epsilon: Float(try c.double("eps", 1e-5))),
      inputs: [
        x, try vector(c, "weight", 1, x), try vector(c, "bias", 0, x),
        try c.x("running_mean"), try c.x("running_var"),
      ])
  }

  /// By the statistics of the batch itself: what instance norms come down to.
  private static func ownStatistics(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x("input")
    let dims = try c.dims(x)
    let eps = try c.double("eps", 1e-5)
    if dims[0].known == 1, dims.count > 2 {
      return try c.builder.apply(
        InstanceNormalization(epsilon: Float(eps)), x,
        try vector(c, "weight", 1, x), try vector(c, "bias", 0, x))
    }
    let axes = [0] + Array(2..<dims.count)
    let mean = try TorchReduction.reduced(c, x, axes, true) { ReduceMean($0) }
    let apart = try c.sub(x, mean)
    let variance = try TorchReduction.reduced(c, try c.mul(apart, apart), axes, true) {
      ReduceMean($0)
    }
    var y = try c.div(apart, try c.builder.apply(Sqrt(), try c.add(variance, eps)))
    let wide = Array(1..<(dims.count - 1))
    if let weight = try c.optional("weight") { y = try c.mul(y, try c.unsqueezed(weight, wide)) }
    if let bias = try c.optional("bias") { y = try c.add(y, try c.unsqueezed(bias, wide)) }
    return y
  }

  private static func group(_ c: TorchCall, _ groups: Int) throws(EngineError) -> ValueID {
    let x = try c.x("input")
    let channels = try channels(c, x)
    guard groups > 0, channels % groups == 0 else {
      throw EngineError(.malformed, "the groups do not divide the channels")
    }
    return try c.builder.apply(
      GroupNormalization(groups: groups, epsilon: Float(try c.double("eps", 1e-5))), x,
      try vector(c, "weight", 1, x), try vector(c, "bias", 0, x))
  }

  private static func layer(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x("input")
    let shape = try c.ints("normalized_shape") ?? []
    guard !shape.isEmpty, shape.count <= (try c.rank(x)) else {
      throw EngineError(.malformed, "'normalized_shape' does not fit the operand")
    }
    let scale = try scale(c, x, shape)
    let inputs = try c.optional("bias").map { [x, scale, $0] } ?? [x, scale]
    return try c.builder.apply(
      LayerNormalization(axis: -shape.count, epsilon: Float(try c.double("eps", 1e-5))),
      inputs: inputs)
  }

  /// The weight, or ones.
  private static func scale(
    _ c: TorchCall, _ x: ValueID, _ shape: [Int]
  ) throws(EngineError) -> ValueID {
    if let weight = try c.optional("weight") { return weight }
    let one = try TorchScalar.tensor(.int(1), try c.dtype(of: x), shape: [1])
    return try c.builder.apply(ConstantOfShape(one), try c.builder.ints(shape))
  }

  private static func rootMeanSquare(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x("input")
    let shape = try c.ints("normalized_shape") ?? []
    guard !shape.isEmpty, shape.count <= (try c.rank(x)) else {
      throw EngineError(.malformed, "'normalized_shape' does not fit the operand")
    }
    let least = try c.dtype(of: x) == .float64 ? 2.220446049250313e-16 : 1.1920929e-7
    let eps = try c.double("eps", least)
    return try c.builder.apply(
      RMSNormalization(axis: -shape.count, epsilon: Float(eps)), x,
      try scale(c, x, shape))
  }
}
