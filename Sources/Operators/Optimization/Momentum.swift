import Graphs
import Tensors

/// One step of gradient descent with momentum: `X_new = X - R V_new`, or of Nesterov's
/// `X_new = X - R (G' + alpha V_new)`, with `G' = norm_coefficient X + G` and
/// `V_new = alpha V + beta G'`, where beta is 1 while `T` is 0.
///
/// - Inputs and outputs as in `OptimizerStep`, with one kind of state: `V`, the momentum.
/// - `alpha`, `beta`, `norm_coefficient`, `mode` (`standard` or `nesterov`): required.
/// - Errors: `.arity`, `.shape`, `.dtype` as in `OptimizerStep`; `.attribute`.
/// - Source: ONNX Momentum 1 of ai.onnx.preview.training.
public struct Momentum: OptimizerStep {
  public let alpha: Float
  public let beta: Float
  public let normCoefficient: Float
  public let isNesterov: Bool

  public static let schema = Schema(
    "Momentum", domain: "ai.onnx.preview.training", versions: [1], inputs: optimizerInputs,
    outputs: optimizerOutputs,
    attributes: [
      AttributeSpec("alpha", .float, "weight of the old momentum; required"),
      AttributeSpec("beta", .float, "weight of the gradient; required"),
      AttributeSpec("mode", .string, "standard or nesterov; required"),
      AttributeSpec("norm_coefficient", .float, "weight of the squared norm; required"),
    ],
    inputCounts: [1: 3...Int.max],
    isDifferentiable: true,
    cases: {
      [
        .init(
          Momentum(alpha: 0.9, beta: 0.5), try optimizerExample(states: 1, step: 0), outputCount: 4),
        .init(
          Momentum(alpha: 0.9, beta: 0.5, normCoefficient: 0.2, isNesterov: true),
          try optimizerExample(states: 1, step: 3), outputCount: 4),
      ]
    })

  public init(alpha: Float, beta: Float, normCoefficient: Float = 0, isNesterov: Bool = false) {
    self.alpha = alpha
    self.beta = beta
    self.normCoefficient = normCoefficient
    self.isNesterov = isNesterov
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha")
    beta = try a.float("beta")
    normCoefficient = try a.float("norm_coefficient")
    guard a.has("mode") else {
      throw EngineError(.attribute, "required attribute 'mode' is missing")
    }
    isNesterov =
      try a.string("mode", default: "standard", oneOf: ["standard", "nesterov"]) == "nesterov"
  }
  public var attributes: [Attribute] {
    [
      .float("alpha", alpha), .float("beta", beta),
      .string("mode", isNesterov ? "nesterov" : "standard"),
      .float("norm_coefficient", normCoefficient),
    ]
  }

  static let stateCount = 1

  func factors(rate: Double, step: Int64) -> (rate: Double, other: Double) {
    (rate, step > 0 ? Double(beta) : 1)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func update<T: BinaryFloatingPoint>(
    _ e: OptimizerElements<T>, _ range: Range<Int>, _ f: (rate: Double, other: Double)
  ) {
    let (rate, norm, a, b) = (T(f.rate), T(normCoefficient), T(alpha), T(f.other))
    let looksAhead = isNesterov
    for i in range {
      let g = norm * e.value[i] + e.gradient[i]
      let v = a * e.states.0[i] + b * g
      e.newValue[i] = e.value[i] - rate * (looksAhead ? g + a * v : v)
      e.newStates.0[i] = v
    }
  }
}

extension Momentum {
  func formula<B: Builder>(
    _ b: B, x: B.Value, gradient: B.Value, states: [B.Value], rate: B.Value, step: B.Value
  ) throws(EngineError) -> [B.Value] {
    let g = try plus(b, times(b, x, Double(normCoefficient)), gradient)
    let weight = try b.apply(
      Where(), isGreater(b, step, 0), scalar(b, Double(beta), like: x), scalar(b, 1, like: x))
    let v = try plus(b, times(b, states[0], Double(alpha)), times(b, weight, g))
    let ahead = try isNesterov ? plus(b, g, times(b, v, Double(alpha))) : v
    return [try minus(b, x, times(b, rate, ahead)), v]
  }
}
