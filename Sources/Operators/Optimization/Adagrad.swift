import Glibc
import Graphs
import Tensors

/// One step of Adagrad: `X_new = X - r G' / (sqrt(H_new) + epsilon)` with `r = R / (1 + T
/// decay_factor)`, `G' = norm_coefficient X + G` and `H_new = H + G'^2`.
///
/// - Inputs and outputs as in `OptimizerStep`, with one kind of state: `H`, the sum of squared
///   gradients.
/// - `epsilon`: default 1e-6. `decay_factor`, `norm_coefficient`: default 0.
/// - Errors: `.arity`, `.shape`, `.dtype` as in `OptimizerStep`.
/// - Source: ONNX Adagrad 1 of ai.onnx.preview.training; Duchi et al. 2011, figure 1.
public struct Adagrad: OptimizerStep {
  public let epsilon: Float
  public let decayFactor: Float
  public let normCoefficient: Float

  public static let schema = Schema(
    "Adagrad", domain: "ai.onnx.preview.training", versions: [1], inputs: optimizerInputs,
    outputs: optimizerOutputs,
    attributes: [
      AttributeSpec("epsilon", .float, "keeps the divisor from 0; default 1e-6"),
      AttributeSpec("decay_factor", .float, "decay of the learning rate; default 0"),
      AttributeSpec("norm_coefficient", .float, "weight of the squared norm; default 0"),
    ],
    inputCounts: [1: 3...Int.max],
    isDifferentiable: true,
    cases: {
      [
        .init(Adagrad(), try optimizerExample(states: 1, step: 0), outputCount: 4),
        .init(
          Adagrad(epsilon: 1e-3, decayFactor: 0.5, normCoefficient: 0.2),
          try optimizerExample(states: 1, step: 3), outputCount: 4),
      ]
    })

  public init(epsilon: Float = 1e-6, decayFactor: Float = 0, normCoefficient: Float = 0) {
    self.epsilon = epsilon
    self.decayFactor = decayFactor
    self.normCoefficient = normCoefficient
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    epsilon = try a.float("epsilon", default: 1e-6)
    decayFactor = try a.float("decay_factor", default: 0)
    normCoefficient = try a.float("norm_coefficient", default: 0)
  }
  public var attributes: [Attribute] {
    [
      .float("decay_factor", decayFactor), .float("epsilon", epsilon),
      .float("norm_coefficient", normCoefficient),
    ]
  }

  static let stateCount = 1

  func factors(rate: Double, step: Int64) -> (rate: Double, other: Double) {
    (rate / (1 + Double(step) * Double(decayFactor)), 0)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func update<T: BinaryFloatingPoint>(
    _ e: OptimizerElements<T>, _ range: Range<Int>, _ f: (rate: Double, other: Double)
  ) {
    let (rate, norm, small) = (T(f.rate), T(normCoefficient), T(epsilon))
    for i in range {
      let g = norm * e.value[i] + e.gradient[i]
      let h = e.states.0[i] + g * g
      e.newValue[i] = e.value[i] - rate * g / (h.squareRoot() + small)
      e.newStates.0[i] = h
    }
  }
}

extension Adagrad {
  func formula<B: Builder>(
    _ b: B, x: B.Value, gradient: B.Value, states: [B.Value], rate: B.Value, step: B.Value
  ) throws(EngineError) -> [B.Value] {
    let g = try plus(b, times(b, x, Double(normCoefficient)), gradient)
    let slowed = try over(b, rate, plus(b, times(b, step, Double(decayFactor)), 1))
    let h = try plus(b, states[0], times(b, g, g))
    let divisor = try plus(b, b.apply(Sqrt(), h), Double(epsilon))
    return [try minus(b, x, times(b, slowed, over(b, g, divisor))), h]
  }
}
