import Glibc
import Graphs
import Tensors

/// One step of Adam: `X_new = (1 - norm_coefficient_post) (X - r V_new / (sqrt(H_new) + epsilon))`
/// with `G' = norm_coefficient X + G`, `V_new = alpha V + (1 - alpha) G'`, `H_new = beta H + (1 -
/// beta) G'^2`, and `r = R sqrt(1 - beta^T) / (1 - alpha^T)`, but `R` where `T` is 0.
///
/// - Inputs and outputs as in `OptimizerStep`, with two kinds of state: `V` and `H`, running means of
///   the gradient and of its square.
/// - `alpha`: default 0.9. `beta`: default 0.999. `epsilon`: default 1e-6. `norm_coefficient`,
///   `norm_coefficient_post`: default 0.
/// - Errors: `.arity`, `.shape`, `.dtype` as in `OptimizerStep`.
/// - Source: ONNX Adam 1 of ai.onnx.preview.training; Kingma and Ba 2014, arXiv:1412.6980.
public struct Adam: OptimizerStep {
  public let alpha: Float
  public let beta: Float
  public let epsilon: Float
  public let normCoefficient: Float
  public let normCoefficientPost: Float

  public static let schema = Schema(
    "Adam", domain: "ai.onnx.preview.training", versions: [1], inputs: optimizerInputs,
    outputs: optimizerOutputs,
    attributes: [
      AttributeSpec("alpha", .float, "weight of the old mean gradient; default 0.9"),
      AttributeSpec("beta", .float, "weight of the old mean square; default 0.999"),
      AttributeSpec("epsilon", .float, "keeps the divisor from 0; default 1e-6"),
      AttributeSpec("norm_coefficient", .float, "weight of the squared norm; default 0"),
      AttributeSpec("norm_coefficient_post", .float, "share taken off the result; default 0"),
    ],
    inputCounts: [1: 3...Int.max],
    isDifferentiable: true,
    cases: {
      [
        .init(Adam(), try optimizerExample(states: 2, step: 0), outputCount: 6),
        .init(
          Adam(
            alpha: 0.8, beta: 0.9, epsilon: 1e-3, normCoefficient: 0.2, normCoefficientPost: 0.1),
          try optimizerExample(states: 2, step: 3), outputCount: 6),
      ]
    })

  public init(
    alpha: Float = 0.9, beta: Float = 0.999, epsilon: Float = 1e-6, normCoefficient: Float = 0,
    normCoefficientPost: Float = 0
  ) {
    self.alpha = alpha
    self.beta = beta
    self.epsilon = epsilon
    self.normCoefficient = normCoefficient
    self.normCoefficientPost = normCoefficientPost
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 0.9)
    beta = try a.float("beta", default: 0.999)
    epsilon = try a.float("epsilon", default: 1e-6)
    normCoefficient = try a.float("norm_coefficient", default: 0)
    normCoefficientPost = try a.float("norm_coefficient_post", default: 0)
  }
  public var attributes: [Attribute] {
    [
      .float("alpha", alpha), .float("beta", beta), .float("epsilon", epsilon),
      .float("norm_coefficient", normCoefficient),
      .float("norm_coefficient_post", normCoefficientPost),
    ]
  }

  static let stateCount = 2

  func factors(rate: Double, step: Int64) -> (rate: Double, other: Double) {
    guard step > 0 else { return (rate, 0) }
    let t = Double(step)
    return (rate * (1 - pow(Double(beta), t)).squareRoot() / (1 - pow(Double(alpha), t)), 0)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func update<T: BinaryFloatingPoint>(
    _ e: OptimizerElements<T>, _ range: Range<Int>, _ f: (rate: Double, other: Double)
  ) {
    let (rate, norm, small) = (T(f.rate), T(normCoefficient), T(epsilon))
    let (a, b, kept) = (T(alpha), T(beta), 1 - T(normCoefficientPost))
    for i in range {
      let g = norm * e.value[i] + e.gradient[i]
      let v = a * e.states.0[i] + (1 - a) * g
      let h = b * e.states.1[i] + (1 - b) * g * g
      e.newValue[i] = kept * (e.value[i] - rate * v / (h.squareRoot() + small))
      e.newStates.0[i] = v
      e.newStates.1[i] = h
    }
  }
}

extension Adam {
  func formula<B: Builder>(
    _ b: B, x: B.Value, gradient: B.Value, states: [B.Value], rate: B.Value, step: B.Value
  ) throws(EngineError) -> [B.Value] {
    let g = try plus(b, times(b, x, Double(normCoefficient)), gradient)
    let (first, second) = (Double(alpha), Double(beta))
    let v = try plus(b, times(b, states[0], first), times(b, g, 1 - first))
    let h = try plus(b, times(b, states[1], second), times(b, times(b, g, g), 1 - second))
    func rest(_ share: Double) throws(EngineError) -> B.Value {
      try minus(b, 1, b.apply(Pow(), scalar(b, share, like: step), step))
    }
    let correction = try b.apply(
      Where(), isGreater(b, step, 0), over(b, b.apply(Sqrt(), rest(second)), rest(first)),
      scalar(b, 1, like: step))
    let divisor = try plus(b, b.apply(Sqrt(), h), Double(epsilon))
    let change = try times(b, times(b, rate, correction), over(b, v, divisor))
    return [try times(b, minus(b, x, change), 1 - Double(normCoefficientPost)), v, h]
  }
}
