import Formats
import Graphs
import Operators
import Tensors

/// A function of `keras.activations`, or a layer that stands in its place.
enum ActivationFunction {
  case named(String)
  case layer(KerasObject)

  /// Reads a layer's `activation`: a name, a serialised function, a serialised layer, or nothing.
  ///
  /// Errors: `.unsupported` for a function that is none of Keras'.
  init(
    _ config: KerasConfig, _ reader: KerasReader, _ key: String = "activation",
    default fallback: String = "linear"
  ) throws(EngineError) {
    guard let value = config[key] else {
      self = .named(config.members[key] == nil ? fallback : "linear")
      return
    }
    var name = value.asString
    if let object = value.asObject {
      let inner = object["config"]
      if object["class_name"]?.asString == "function" {
        name = inner?.asString
      } else if inner?.asObject?["name"] != nil || inner?.asObject?["dtype"] != nil {
        self = .layer(try reader.child(value, at: key))
        return
      } else {
        name = object["class_name"]?.asString
      }
    }
    guard var name else { throw KerasConfig.malformed("'\(key)' is no function", value) }
    name = Self.aliases[name] ?? name
    if name == "hard_sigmoid", reader.majorVersion < 3 { name = "hard_sigmoid_2" }
    guard Self.table[name] != nil else {
      throw EngineError(
        .unsupported, "the activation '\(name)' is none of Keras' own",
        expected: Self.table.keys.sorted().joined(separator: ", "))
    }
    self = .named(name)
  }

  private static let aliases = [
    "swish": "silu", "hard_swish": "hard_silu", "leakyrelu": "leaky_relu", "exp": "exponential",
  ]

  var isLinear: Bool { if case .named("linear") = self { true } else { false } }

  /// The function of `x`.
  func apply(_ x: ValueID, _ call: LayerCall) throws(EngineError) -> ValueID {
    switch self {
    case .named(let name):
      guard let function = Self.table[name] else {
        throw EngineError(.internalDefect, "no activation '\(name)'")
      }
      return try function.isPointwise
        ? call.pointwise(x) { (x) throws(EngineError) in try function.make(call, x) }
        : try function.make(call, x)
    case .layer(let object):
      guard let made = try call.apply(object, [.id(x)]).tensors.first else {
        throw EngineError(.malformed, "the activation of '\(call.name)' gives nothing")
      }
      return made.id
    }
  }

  struct Function: Sendable {
    var isPointwise = true
    let make: @Sendable (LayerCall, ValueID) throws(EngineError) -> ValueID

    init(
      isPointwise: Bool = true,
      _ make: @escaping @Sendable (LayerCall, ValueID) throws(EngineError) -> ValueID
    ) {
      self.isPointwise = isPointwise
      self.make = make
    }
  }

  private static func one(
    _ op: some Operator
  ) -> Function {
    Function { (c, x) throws(EngineError) in try c.b.apply(op, x) }
  }

  /// Functions without parameters, and others with Keras' default ones.
  static let table: [String: Function] = [
    "linear": Function { (_, x) throws(EngineError) in x },
    "relu": one(Relu()),
    "relu6": Function { (c, x) throws(EngineError) in try c.clip(x, 0, 6) },
    "leaky_relu": one(LeakyRelu(alpha: 0.2)),
    "elu": one(Elu()),
    "selu": one(Selu()),
    "celu": one(Celu()),
    "gelu": Function { (c, x) throws(EngineError) in try c.gelu(x, isTanh: false) },
    "glu": Function(isPointwise: false) { (c, x) throws(EngineError) in try c.glu(x, axis: -1) },
    "silu": Function { (c, x) throws(EngineError) in try c.mul(x, try c.b.apply(Sigmoid(), x)) },
    "sigmoid": one(Sigmoid()),
    "sparse_sigmoid": Function { (c, x) throws(EngineError) in
      try c.clip(try c.mul(try c.add(x, 1), 0.5), 0, 1)
    },
    "hard_sigmoid": one(HardSigmoid(alpha: 1 / 6, beta: 0.5)),
    "hard_sigmoid_2": one(HardSigmoid(alpha: 0.2, beta: 0.5)),
    "hard_silu": one(HardSwish()),
    "hard_tanh": Function { (c, x) throws(EngineError) in try c.clip(x, -1, 1) },
    "hard_shrink": one(Shrink(lambda: 0.5, bias: 0)),
    "soft_shrink": one(Shrink(lambda: 0.5, bias: 0.5)),
    "tanh": one(Tanh()),
    "tanh_shrink": Function { (c, x) throws(EngineError) in try c.sub(x, try c.b.apply(Tanh(), x))
    },
    "softmax": Function(isPointwise: false) { (c, x) throws(EngineError) in
      try c.b.apply(Softmax(SoftmaxAxis(-1)), x)
    },
    "log_softmax": Function(isPointwise: false) { (c, x) throws(EngineError) in
      try c.b.apply(LogSoftmax(SoftmaxAxis(-1)), x)
    },
    "softplus": one(Softplus()),
    "softsign": one(Softsign()),
    "squareplus": Function { (c, x) throws(EngineError) in try c.squareplus(x, 4) },
    "sparse_plus": Function { (c, x) throws(EngineError) in
      // x above 1, a parabola from -1 to 1, 0 below.
      let middle = try c.mul(try c.b.apply(Pow(), try c.add(x, 1), try c.number(2, like: x)), 0.25)
      let upper = try c.b.apply(Less(), x, try c.number(1, like: x))
      let lower = try c.b.apply(LessOrEqual(), x, try c.number(-1, like: x))
      return try c.select(lower, try c.number(0, like: x), try c.select(upper, middle, x))
    },
    "sparsemax": Function(isPointwise: false) { (c, x) throws(EngineError) in
      try c.sparsemax(x, axis: -1)
    },
    "threshold": Function { (c, x) throws(EngineError) in try c.threshold(x, 0.5, 0) },
    "exponential": one(Exp()),
    "mish": Function { (c, x) throws(EngineError) in
      try c.mul(x, try c.b.apply(Tanh(), try c.b.apply(Softplus(), x)))
    },
    "log_sigmoid": Function { (c, x) throws(EngineError) in
      try c.neg(try c.b.apply(Softplus(), try c.neg(x)))
    },
  ]
}
