import Graphs
import Kernels
import Tensors

/// Channels in groups brought to zero mean and unit variance:
/// `Y = act(gamma (X - mean) / sqrt(var + epsilon) + beta)`.
///
/// - `X`: float16 or float32 `[N, H, W, C]`, or `[N, C, H, W]` with `channels_last` 0; `gamma`,
///   `beta`: float16 or float32 `[C]`.
/// - Attributes: `groups`, `activation` (0 none, 1 SiLU), both required; `channels_last` default 1;
///   `epsilon` default 1e-5.
/// - Errors: `.shape` for operands that do not fit; `.attribute`.
/// - Source: ONNX Runtime's GroupNorm of domain com.microsoft, version 1.
public struct GroupNorm: FormulaGradient {
  public let options: ChannelGroups

  public static let schema = Schema(
    "GroupNorm", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("X", ChannelGroups.types), Parameter("gamma", ChannelGroups.types, "M"),
      Parameter("beta", ChannelGroups.types, "M"),
    ],
    outputs: [Parameter("Y", ChannelGroups.types)], attributes: ChannelGroups.specs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 1, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let gamma = try Tensor([1, 0.5, 2, -1] as [Float])
      return [
        .init(GroupNorm(ChannelGroups(groups: 2, isActivated: true)), [x, gamma, gamma])
      ]
    })

  public init(_ options: ChannelGroups) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try ChannelGroups(reading: a)
  }
  public var attributes: [Attribute] { options.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try options.check(c, vectors: [1, 2])
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try options.prepare(p, skip: nil, bias: nil)
  }
}

extension GroupNorm {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    Few(try options.formula(b, inputs, inputs[0]))
  }
}
