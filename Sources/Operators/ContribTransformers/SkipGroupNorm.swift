import Graphs
import Kernels
import Tensors

/// GroupNorm of a sum: `S = X + skip + bias`, `Y = act(gamma (S - mean) / sqrt(var + epsilon) +
/// beta)`.
///
/// - `X`, `gamma`, `beta`: as GroupNorm's; `skip`: `[N, H, W, C]`, `[N, 1, 1, C]` or `[N, C]`
///   (with `channels_last` 0: X's shape, `[N, C, 1, 1]` or `[N, C]`); `bias` (optional): `[C]`.
/// - Attributes: as GroupNorm's.
/// - Outputs: `Y`; `S`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`.
/// - Source: ONNX Runtime's SkipGroupNorm of domain com.microsoft, version 1.
public struct SkipGroupNorm: FormulaGradient {
  public let options: ChannelGroups

  public static let schema = Schema(
    "SkipGroupNorm", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("X", ChannelGroups.types), Parameter("gamma", ChannelGroups.types, "M"),
      Parameter("beta", ChannelGroups.types, "M"), Parameter("skip", ChannelGroups.types),
      .optional("bias", ChannelGroups.types),
    ],
    outputs: [Parameter("Y", ChannelGroups.types), .optional("S", ChannelGroups.types)],
    attributes: ChannelGroups.specs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 1, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let gamma = try Tensor([1, 0.5, 2, -1] as [Float])
      let skip = try Tensor(shape: [2, 4], (0..<8).map { Float(($0 * 3) % 8) * 0.5 - 2 })
      return [
        .init(
          SkipGroupNorm(ChannelGroups(groups: 2)), [x, gamma, gamma, skip, gamma], outputCount: 2)
      ]
    })

  public init(_ options: ChannelGroups) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try ChannelGroups(reading: a)
  }
  public var attributes: [Attribute] { options.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try options.check(c, vectors: [1, 2, 4])
    let fact = Fact(c.dtype(0), c.dims(0))
    return [fact, fact]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try options.prepare(p, skip: 3, bias: 4)
  }
}

extension SkipGroupNorm {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let skip = inputs[3] else {
      throw EngineError(.arity, "an input is missing")
    }
    var one = skip
    if try knownRank(b, skip) == 2 {
      one = try b.apply(Unsqueeze(axes: options.isLast ? [1, 2] : [2, 3]), skip)
    }
    var s = try plus(b, x, one)
    if inputs.count > 4, let bias = inputs[4] {
      s = try plus(b, s, options.isLast ? bias : perChannel(b, bias, rank: 4))
    }
    let y = try options.formula(b, inputs, s)
    return outputs > 1 ? Few(y, s) : Few(y)
  }
}
