import Graphs
import Kernels
import Tensors

/// A sum brought to unit mean square along its last axis: with `Z = input + skip + bias`,
/// `output = Z / sqrt(mean(Z^2) + epsilon) * gamma`.
///
/// - `input`: float16, bfloat16 or float32 `[N, S, D]` or `[S, D]`; `skip`: the same, or
///   `[1, S, D]` or `[S, D]`; `gamma`, `bias` (optional): `[D]`.
/// - `epsilon`: default 1e-12.
/// - Outputs: `output`; `mean` (0) and `inv_std_var`: float32, 1 in place of D;
///   `input_skip_bias_sum`: Z.
/// - Errors: `.shape` for operands that do not fit; `.attribute` for a negative epsilon.
/// - Source: ONNX Runtime's SkipSimplifiedLayerNormalization of domain com.microsoft, version 1.
public struct SkipSimplifiedLayerNormalization: FormulaGradient {
  public let epsilon: Float

  public static let schema = Schema(
    "SkipSimplifiedLayerNormalization", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input", SkipNorm.types), Parameter("skip", SkipNorm.types),
      Parameter("gamma", SkipNorm.types), .optional("bias", SkipNorm.types),
    ],
    outputs: SkipNorm.outputs, attributes: [SkipNorm.epsilonSpec],
    isDifferentiable: true,
    cases: {
      let (x, skip, gamma) = try SkipNorm.caseInputs()
      let bias = try Tensor([0, 0.25, -1, 1] as [Float])
      return [
        .init(SkipSimplifiedLayerNormalization(), [x, skip, gamma]),
        .init(
          SkipSimplifiedLayerNormalization(epsilon: 1e-3), [x, skip, gamma, bias], outputCount: 4),
      ]
    })

  public init(epsilon: Float = 1e-12) { self.epsilon = epsilon }
  public init(reading a: AttributeReader) throws(EngineError) {
    epsilon = try SkipNorm.readEpsilon(a)
  }
  public var attributes: [Attribute] { [.float("epsilon", epsilon)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try SkipNorm.infer(c, vectors: [2, 3])
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try SkipNorm.prepare(p, epsilon: epsilon, shift: nil, bias: 3, centers: false)
  }
}

extension SkipSimplifiedLayerNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    try SkipNorm.formula(
      b, inputs, outputs: outputs, epsilon: epsilon, shift: nil, bias: 3, centers: false)
  }
}
