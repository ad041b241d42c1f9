import Graphs
import Operators
import Tensors

/// Activations.
enum TorchActivation {
  static let operators: [TorchOperator] = [
    .one("aten.gelu.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(Gelu(isTanh: c.text("approximate", "none") == "tanh"), try c.x())
    },
    .one("aten.silu.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      return try c.mul(x, try c.builder.apply(Sigmoid(), x))
    },
    .one("aten.mish.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(Mish(), try c.x())
    },
    .one("aten.hardswish.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(HardSwish(), try c.x())
    },
    .one("aten.hardsigmoid.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(HardSigmoid(alpha: 1 / 6, beta: 0.5), try c.x())
    },
    .one("aten.leaky_relu.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(
        LeakyRelu(alpha: Float(try c.double("negative_slope", 0.01))), try c.x())
    },
    .one("aten.elu.default", inPlace: true, elu),
    .one("aten.selu.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(Selu(), try c.x())
    },
    .one("aten.celu.default", inPlace: true) { (c) throws(EngineError) in
      try c.builder.apply(Celu(alpha: Float(try c.double("alpha", 1))), try c.x())
    },
    .one("aten.prelu.default", slopes), .one("aten._prelu_kernel.default", slopes),
    .one("aten.rrelu.default", note: "the mean slope, as at inference", inPlace: true) {
      (c) throws(EngineError) in try meanSlope(c)
    },
    TorchOperator("aten.rrelu_with_noise_functional.default") { (c) throws(EngineError) in
      [.tensor(try meanSlope(c)), .none]
    },
    .one("aten.softplus.default", softplus),
    .one("aten.log_sigmoid.default") { (c) throws(EngineError) in
      let b = c.builder
      return try b.apply(Neg(), try b.apply(Softplus(), try b.apply(Neg(), try c.x())))
    },
    TorchOperator("aten.log_sigmoid_forward.default") { (c) throws(EngineError) in
      let b = c.builder
      return [
        .tensor(try b.apply(Neg(), try b.apply(Softplus(), try b.apply(Neg(), try c.x())))), .none,
      ]
    },
    .one("aten.softshrink.default") { (c) throws(EngineError) in
      let bound = Float(try c.double("lambd", 0.5))
      return try c.builder.apply(Shrink(lambda: bound, bias: bound), try c.x())
    },
    .one("aten.hardshrink.default") { (c) throws(EngineError) in
      try c.builder.apply(Shrink(lambda: Float(try c.double("lambd", 0.5)), bias: 0), try c.x())
    },
    .one("aten.threshold.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      let isAbove = try c.builder.apply(
        Greater(), x, try c.constant(try c.double("threshold", 0), like: x))
      return try c.builder.apply(
        Where(), isAbove, x, try c.constant(try c.double("value", 0), like: x))
    },
    .one("aten.glu.default") { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim", -1), try c.rank(x))
      let halves = try c.builder.apply(Split(axis: axis, parts: 2), inputs: [x], outputs: 2)
      return try c.mul(halves[0], try c.builder.apply(Sigmoid(), halves[1]))
    },
  ]

  @Sendable private static func elu(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (alpha, scale, inner) = (
      try c.double("alpha", 1), try c.double("scale", 1), try c.double("input_scale", 1)
    )
    var x = try c.x()
    if inner != 1 {
      // The scale within belongs to the exponential alone: x above 0 stays.
      let below = try c.mul(
        try c.add(try c.builder.apply(Exp(), try c.mul(x, inner)), -1), alpha)
      let isAbove = try c.builder.apply(Greater(), x, try c.constant(0, like: x))
      x = try c.builder.apply(Where(), isAbove, x, below)
    } else {
      x = try c.builder.apply(Elu(alpha: Float(alpha)), x)
    }
    return scale == 1 ? x : try c.mul(x, scale)
  }

  private static func meanSlope(_ c: TorchCall) throws(EngineError) -> ValueID {
    if try c.bool("training", false) {
      throw EngineError(.unsupported, "training mode", hint: "call eval() before the export")
    }
    let slope = (try c.double("lower", 1 / 8) + (try c.double("upper", 1 / 3))) / 2
    return try c.builder.apply(LeakyRelu(alpha: Float(slope)), try c.x())
  }

  /// One slope a channel: a vector is laid along axis 1.
  @Sendable private static func slopes(_ c: TorchCall) throws(EngineError) -> ValueID {
    let (x, weight) = (try c.x(), try c.x("weight"))
    let rank = try c.rank(x)
    var slope = weight
    if try c.rank(weight) == 1, rank > 2 {
      slope = try c.unsqueezed(weight, Array(1..<(rank - 1)))
    }
    return try c.builder.apply(PRelu(), x, slope)
  }

  @Sendable private static func softplus(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let (beta, threshold) = (try c.double("beta", 1), try c.double("threshold", 20))
    let b = c.builder
    guard beta != 1 || threshold != 20 else { return try b.apply(Softplus(), x) }
    let inner = try c.mul(x, beta)
    let curve = try c.div(try b.apply(Softplus(), inner), try c.constant(beta, like: x))
    let isStraight = try b.apply(Greater(), inner, try c.constant(threshold, like: x))
    return try b.apply(Where(), isStraight, x, curve)
  }
}
