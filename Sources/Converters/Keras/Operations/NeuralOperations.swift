import Graphs
import Operators
import Tensors

/// `keras.ops.nn`.
extension OperationLayer {
  private static func activation(_ name: String) -> Rule {
    { (c) throws(EngineError) in
      .id(try ActivationFunction.named(name).apply(try c.floating(try c.operand()), c))
    }
  }
  private static func element(
    _ make: @escaping @Sendable (LayerCall, ValueID) throws(EngineError) -> ValueID
  ) -> Rule {
    { (c) throws(EngineError) in
      .id(
        try c.pointwise(try c.floating(try c.operand())) { (x) throws(EngineError) in try make(c, x)
        })
    }
  }
  private static func pool(isMax: Bool) -> Rule {
    { (c) throws(EngineError) in
      let x = try c.operand()
      let rank = try c.rank(x) - 2
      guard rank >= 1 else { throw c.unsupported("it pools without space") }
      let size = try c.config.ints("pool_size", count: rank)
      let strides = try c.config.ints("strides", count: rank, default: size)
      return .id(
        try c.pool(
          x, isMax: isMax, size: size, strides: strides,
          padding: try c.config.choice("padding", ["valid", "same"], default: "valid"),
          isFirst: try c.config.isChannelsFirst()))
    }
  }
  private static func blocks(isOutward: Bool) -> Rule {
    { (c) throws(EngineError) in
      let x = try c.operand()
      let block = try c.integer(1, "block_size", default: 1)
      let isFirst = try c.config.isChannelsFirst()
      let y = isFirst ? x : try c.b.channelsFirst(x)
      let made =
        isOutward
        ? try c.b.apply(DepthToSpace(blockSize: block), y)
        : try c.b.apply(SpaceToDepth(blockSize: block), y)
      return .id(isFirst ? made : try c.b.channelsLast(made))
    }
  }

  static let neural: [String: Rule] = [
    "Relu": activation("relu"), "Relu6": activation("relu6"), "Sigmoid": activation("sigmoid"),
    "SparseSigmoid": activation("sparse_sigmoid"), "Softplus": activation("softplus"),
    "Softsign": activation("softsign"), "SparsePlus": activation("sparse_plus"),
    "Silu": activation("silu"), "LogSigmoid": activation("log_sigmoid"),
    "HardSigmoid": activation("hard_sigmoid"), "HardSilu": activation("hard_silu"),
    "Selu": activation("selu"), "TanhShrink": activation("tanh_shrink"),
    "HardTanh": activation("hard_tanh"),
    "SoftShrink": element { (c, x) throws(EngineError) in
      let t = Float(try c.real(1, "threshold", default: 0.5))
      return try c.b.apply(Shrink(lambda: t, bias: t), x)
    },
    "HardShrink": element { (c, x) throws(EngineError) in
      try c.b.apply(Shrink(lambda: Float(try c.real(1, "threshold", default: 0.5)), bias: 0), x)
    },
    "Squareplus": element { (c, x) throws(EngineError) in
      try c.squareplus(x, try c.real(1, "b", default: 4))
    },
    "LeakyRelu": element { (c, x) throws(EngineError) in
      try c.b.apply(LeakyRelu(alpha: Float(try c.real(1, "negative_slope", default: 0.2))), x)
    },
    "Elu": element { (c, x) throws(EngineError) in
      try c.b.apply(Elu(alpha: Float(try c.real(1, "alpha", default: 1))), x)
    },
    "Celu": element { (c, x) throws(EngineError) in
      try c.b.apply(Celu(alpha: Float(try c.real(1, "alpha", default: 1))), x)
    },
    "Gelu": element { (c, x) throws(EngineError) in
      try c.gelu(x, isTanh: c.truth(1, "approximate", default: true))
    },
    "Threshold": element { (c, x) throws(EngineError) in
      try c.threshold(
        x, try c.real(1, "threshold", default: 0), try c.real(2, "default_value", default: 0))
    },
    "Glu": { (c) throws(EngineError) in
      .id(try c.glu(try c.operand(), axis: try c.integer(1, "axis", default: -1)))
    },
    "Softmax": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      guard let axes = try c.axes(), axes.count == 1 else { throw c.unsupported("several axes") }
      return .id(try c.b.apply(Softmax(SoftmaxAxis(axes[0])), x))
    },
    "LogSoftmax": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      guard let axes = try c.axes(), axes.count == 1 else { throw c.unsupported("several axes") }
      return .id(try c.b.apply(LogSoftmax(SoftmaxAxis(axes[0])), x))
    },
    "Sparsemax": { (c) throws(EngineError) in
      .id(try c.sparsemax(try c.operand(), axis: try c.integer(1, "axis", default: -1)))
    },
    "Normalize": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      guard try c.integer(2, "order", default: 2) == 2 else { throw c.unsupported("its order") }
      let small = try c.real(3, "epsilon", default: 1e-7)
      return .id(try c.unit(x, try c.axes() ?? [-1], epsilon: small * small))
    },
    "MaxPool": pool(isMax: true), "AveragePool": pool(isMax: false),
    "DepthToSpace": blocks(isOutward: true), "SpaceToDepth": blocks(isOutward: false),
    "LayerNorm": { (c) throws(EngineError) in
      guard !c.truth(4, "rms_scaling") else { throw c.unsupported("rms_scaling") }
      let x = try c.floating(try c.operand())
      let type = c.b.dtype(x)
      return .id(
        try c.layerNorm(
          x, axes: try c.axes(3, "axis") ?? [-1],
          epsilon: try c.real(4, "epsilon", default: 1e-7),
          gamma: try c.operand(1, "gamma", like: type), beta: try c.operand(2, "beta", like: type)))
    },
    "RMSNorm": { (c) throws(EngineError) in
      let x = try c.floating(try c.operand())
      let axes = try c.axes(2, "axis") ?? [-1]
      let square = try c.reduce(ReduceMean.self, try c.mul(x, x), axes, keepDims: true)
      let small = try c.real(3, "epsilon", default: 1e-7)
      var y = try c.div(x, try c.b.apply(Sqrt(), try c.add(square, small)))
      if let scale = try c.operand(1, "scale", like: c.b.dtype(x)) {
        y = try c.mul(y, try c.spread(scale, over: axes, of: x))
      }
      return .id(y)
    },
    "DotProductAttention": { (c) throws(EngineError) in .id(try c.dotProductAttention()) },
  ]
}

extension LayerCall {
  /// Attention over `[N, T, heads, size]` with an additive bias and a mask.
  fileprivate func dotProductAttention() throws(EngineError) -> ValueID {
    guard let query = try operand(0, "query"), let key = try operand(1, "key"),
      let value = try operand(2, "value"), config["attn_logits_soft_cap"] == nil,
      try size(query, 2) == size(key, 2)
    else { throw unsupported("its arguments") }
    let scale = try real(5, "scale", default: 1 / Double(try size(query, 3)).squareRoot())
    let q = try transpose(query, [0, 2, 1, 3])
    let k = try transpose(key, [0, 2, 3, 1])
    var scores = try mul(try matmul(q, k), scale)
    if let bias = try operand(3, "bias") { scores = try add(scores, bias) }
    var allowed = try maskArgument(4, "mask")
    if truth(6, "is_causal") { allowed = try both(allowed, try causalMask(query, key)) }
    if let allowed {
      let low = -0.7 * Double(Float.greatestFiniteMagnitude)
      scores = try select(allowed, scores, try number(low, like: scores))
    }
    let weights = try b.apply(Softmax(SoftmaxAxis(-1)), scores)
    return try transpose(
      try matmul(weights, try transpose(value, [0, 2, 1, 3])), [0, 2, 1, 3])
  }
}
