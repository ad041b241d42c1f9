import Graphs
import Kernels
import Tensors

/// A sum brought to zero mean and unit variance along its last axis: with
/// `Z = input + skip + bias`, `output = (Z - mean) / sqrt(var + epsilon) * gamma + beta`.
///
/// - `input`: float16, bfloat16 or float32 `[N, S, D]` or `[S, D]`; `skip`: the same, or
///   `[1, S, D]` or `[S, D]`; `gamma`, `beta` (optional), `bias` (optional): `[D]`.
/// - `epsilon`: default 1e-12.
/// - Outputs: `output`; `mean`, `inv_std_var`: float32, 1 in place of D; `input_skip_bias_sum`: Z.
/// - Errors: `.shape` for operands that do not fit; `.attribute` for a negative epsilon.
/// - Source: ONNX Runtime's SkipLayerNormalization of domain com.microsoft, version 1.
public struct SkipLayerNormalization: FormulaGradient {
  public let epsilon: Float

  public static let schema = Schema(
    "SkipLayerNormalization", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input", SkipNorm.types), Parameter("skip", SkipNorm.types),
      Parameter("gamma", SkipNorm.types), .optional("beta", SkipNorm.types),
      .optional("bias", SkipNorm.types),
    ],
    outputs: SkipNorm.outputs, attributes: [SkipNorm.epsilonSpec],
    isDifferentiable: true,
    cases: {
      let (x, skip, gamma) = try SkipNorm.caseInputs()
      let beta = try Tensor([0, 0.25, -1, 1] as [Float])
      return [
        .init(SkipLayerNormalization(), [x, skip, gamma, beta]),
        .init(SkipLayerNormalization(epsilon: 1e-3), [x, skip, gamma, nil, beta], outputCount: 4),
      ]
    })

  public init(epsilon: Float = 1e-12) { self.epsilon = epsilon }
  public init(reading a: AttributeReader) throws(EngineError) {
    epsilon = try SkipNorm.readEpsilon(a)
  }
  public var attributes: [Attribute] { [.float("epsilon", epsilon)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try SkipNorm.infer(c, vectors: [2, 3, 4])
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try SkipNorm.prepare(p, epsilon: epsilon, shift: 3, bias: 4, centers: true)
  }
}

extension SkipLayerNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    try SkipNorm.formula(
      b, inputs, outputs: outputs, epsilon: epsilon, shift: 3, bias: 4, centers: true)
  }
}
