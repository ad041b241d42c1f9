import Glibc
import Graphs
import Kernels
import Tensors

/// The function that com.microsoft's fused operators apply to their results: its name and numbers.
public struct FusedActivation: Hashable, Sendable {
  /// A name of ONNX; empty for none.
  public let name: String
  /// alpha, beta and gamma, as far as the function has them.
  public let parameters: [Float]

  /// Names, and the defaults of what they take, where ONNX has some.
  static let known: [String: [Float]] = [
    "": [], "Clip": [-.infinity, .infinity], "Elu": [1], "Gelu": [], "GeluTanh": [],
    "HardSigmoid": [0.2, 0.5], "HardSwish": [], "LeakyRelu": [0.01], "Mish": [],
    "ParametricSoftplus": [1, 1], "Relu": [], "ScaledTanh": [1, 1],
    "Selu": [1.673_263_2, 1.050_701], "Sigmoid": [], "Softplus": [], "Softsign": [],
    "Swish": [1], "Tanh": [], "ThresholdedRelu": [1],
  ]

  /// Errors: `.unsupported` for another name, `.attribute` for too many numbers.
  public init(_ name: String, _ given: [Float?] = []) throws(EngineError) {
    guard let defaults = Self.known[name] else {
      throw EngineError(
        .unsupported, "the fused activation is not known",
        expected: Self.known.keys.sorted().dropFirst().joined(separator: ", "),
        received: "'\(name)'")
    }
    self.name = name
    parameters = defaults.indices.map { i in
      i < given.count ? given[i] ?? defaults[i] : defaults[i]
    }
  }
  public init() {
    name = ""
    parameters = []
  }

  /// `activation` and the list `activation_params`, as fused convolutions have them.
  init(listIn a: AttributeReader) throws(EngineError) {
    try self.init(a.string("activation", default: ""), a.floats("activation_params", default: []))
  }
  /// `activation` with `activation_alpha`, `_beta` and `_gamma`, as fused products have them.
  init(namesIn a: AttributeReader) throws(EngineError) {
    let name = try a.string("activation", default: "")
    func number(_ key: String) throws(EngineError) -> Float? {
      a.has("activation_" + key) ? try a.float("activation_" + key) : nil
    }
    let (alpha, beta, gamma) = (
      try number("alpha"), try number("beta"), try number("gamma")
    )
    try self.init(name, name == "Selu" ? [alpha, gamma] : [alpha, beta])
  }

  var listAttributes: [Attribute] {
    if name.isEmpty { return [] }
    return [.string("activation", name)]
      + (parameters.isEmpty ? [] : [.floats("activation_params", parameters)])
  }
  var namedAttributes: [Attribute] {
    if name.isEmpty { return [] }
    let second = name == "Selu" ? "activation_gamma" : "activation_beta"
    return [.string("activation", name)]
      + zip(["activation_alpha", second], parameters).map { .float($0, $1) }
  }
  static let listSpecs: [AttributeSpec] = [
    AttributeSpec("activation", .string, "function of the results; default none"),
    AttributeSpec("activation_params", .floats, "its numbers"),
  ]
  static let namedSpecs: [AttributeSpec] = [
    AttributeSpec("activation", .string, "function of the results; default none"),
    AttributeSpec("activation_alpha", .float, "its first number"),
    AttributeSpec("activation_beta", .float, "its second number"),
    AttributeSpec("activation_gamma", .float, "the second number of Selu"),
  ]

  var unary: UnaryOp? {
    switch name {
    case "Elu": .elu
    case "Gelu": .gelu
    case "GeluTanh": .geluTanh
    case "HardSigmoid": .hardSigmoid
    case "HardSwish": .hardSwish
    case "LeakyRelu": .leakyRelu
    case "Mish": .mish
    case "Relu": .relu
    case "Selu": .selu
    case "Sigmoid": .sigmoid
    case "Softplus": .softplus
    case "Softsign": .softsign
    case "Swish": .swish
    case "Tanh": .tanh
    case "ThresholdedRelu": .thresholdedRelu
    default: nil
    }
  }

  /// The numbers between which it keeps its input; nil for functions that do more.
  public var bounds: (low: Float, high: Float)? {
    switch name {
    case "": (-.infinity, .infinity)
    case "Relu": (0, .infinity)
    case "Clip": parameters[0] <= parameters[1] ? (parameters[0], parameters[1]) : nil
    default: nil
    }
  }

  /// The function on one number, where it has no kernel of its own.
  private func value(_ x: Double, _ p: Double, _ q: Double) -> Double {
    switch name {
    case "Clip": x < p ? p : x > q ? q : x
    case "ParametricSoftplus":
      x * q > 0 ? p * (x * q + log1p(exp(-x * q))) : p * log1p(exp(x * q))
    case "ScaledTanh": p * tanh(q * x)
    default: x
    }
  }

  /// What `inner` computes, plus input `residual` where there is one, through this function.
  ///
  /// Errors: `.dtype` for types without a kernel.
  func after(
    _ inner: Prepared, _ p: Preparation, residual: Int? = nil
  ) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    guard inner.kind == .kernel, y.count > 0, residual != nil || !name.isEmpty else {
      return inner
    }
    let (first, second) = (
      Double(parameters.first ?? 0), Double(parameters.count > 1 ? parameters[1] : 0)
    )
    let kernel = unary.flatMap { UnaryKernel($0, y.dtype, first, second) }
    let add = residual == nil ? nil : BinaryKernel(.add, y.dtype)
    guard kernel != nil || unary == nil, add != nil || residual == nil else { throw p.noKernel() }
    let plan = try BroadcastPlan(output: y.shape, inputs: Few(y.shape, y.shape))
    let (count, dtype, isPlain) = (y.count, y.dtype, unary == nil && !name.isEmpty)
    return Prepared(
      scratchBytes: inner.scratchBytes, label: "\(inner.label) \(name)"
    ) { (m) throws(EngineError) in
      try inner.run(m)
      if let add, let residual {
        add.run(plan, m.outputs[0], m.inputs[residual], m.outputs[0], m.pool)
      }
      kernel?.run(count: count, m.outputs[0], m.outputs[0], m.pool)
      if isPlain {
        for i in 0..<count {
          let v = value(loadNumber(m.outputs[0], i, dtype), first, second)
          storeNumber(v, m.outputs[0], i, dtype)
        }
      }
    }
  }
}
