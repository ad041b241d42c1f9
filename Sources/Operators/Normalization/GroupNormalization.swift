import Graphs
import Kernels
import Tensors

/// Groups of channels brought to zero mean and unit variance, instance by instance:
/// `Y = (X - mean) / sqrt(var + epsilon) * scale + bias`.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`. `scale`, `bias`: `[C]`; before opset 21 `[num_groups]`.
/// - Attributes: `num_groups`, a divisor of C; `epsilon` default 1e-5; `stash_type` 1 (default) or
///   16, kept and otherwise without effect: halves are computed in float32.
/// - Errors: `.shape` for a rank below 2, channels that do not divide, or parameters of another
///   size; `.attribute`.
/// - Source: ONNX GroupNormalization 18, 21.
public struct GroupNormalization: FormulaGradient {
  public let groups: Int
  public let epsilon: Float
  public let stash: DType
  /// The form of opset 18 to 20: one scale and bias a group.
  public let isPerGroup: Bool

  public static let schema = Schema(
    "GroupNormalization", versions: [18, 21],
    inputs: [Parameter("X", .floats), Parameter("scale", .floats), Parameter("bias", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      epsilonSpec, AttributeSpec("num_groups", .int, "groups of channels, a divisor of C"),
      AttributeSpec(
        "stash_type", .int, "type of the first stage: 1 float32, 16 bfloat16", since: 21),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 4, 2, 2], (0..<32).map { Float(($0 * 7) % 32) * 0.3 - 2 })
      let four = try Tensor([1, 0.5, 2, -1] as [Float])
      return [
        .init(GroupNormalization(groups: 2), [x, four, try Tensor([0, 1, -1, 0.5] as [Float])])
      ]
    })

  public init(
    groups: Int, epsilon: Float = 1e-5, stash: DType = .float32, isPerGroup: Bool = false
  ) {
    self.groups = groups
    self.epsilon = epsilon
    self.stash = stash
    self.isPerGroup = isPerGroup
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    groups = try a.int("num_groups")
    guard groups >= 1 else {
      throw EngineError(
        .attribute, "attribute 'num_groups' is out of range", expected: "at least 1",
        received: "\(groups)")
    }
    epsilon = try readEpsilon(a)
    stash = try readStash(a)
    isPerGroup = a.opset < 21
  }
  public var attributes: [Attribute] {
    epsilonAttribute(epsilon) + [.int("num_groups", groups)]
      + (stash == .float32 ? [] : [.dtype("stash_type", stash)])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0) {
      guard x.count >= 2 else { throw channelRank("\(x)") }
      if let n = x[1].known, n % groups != 0 {
        throw EngineError(
          .shape, "the channels do not divide into groups", expected: "a multiple of \(groups)",
          received: "\(n)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try commonReal(p, 0..<3)
    let x = try p.input(0).shape
    guard x.rank >= 2, x[1] % groups == 0 else { throw channelRank("\(x)") }
    // Some exporters wrote a scale for each channel before opset 21 asked for it.
    let scaleCount = try p.input(1).shape.count
    let isPerGroup = self.isPerGroup && scaleCount == groups
    try checkChannels("scale", p.input(1), isPerGroup ? groups : x[1])
    try checkChannels("bias", p.input(2), isPerGroup ? groups : x[1])
    let kernel = GroupNormalize(
      batch: x[0], groups: groups, channels: x[1] / groups, size: x.count(of: 2..<x.rank),
      epsilon: Double(epsilon), isPerGroup: isPerGroup)
    return Prepared(inPlace: 1, label: "group norm") { m in
      kernel.run(
        dtype, x: m.inputs[0], gain: m.inputs[1], bias: m.inputs[2], into: m.outputs[0],
        pool: m.pool)
    }
  }
}

func channelRank(_ received: String) -> EngineError {
  EngineError(
    .shape, "the input has no channel axis that fits", expected: "[N, C, ...]", received: received)
}

extension GroupNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let scale = inputs[1], let bias = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let rank = try knownRank(b, x)
    let grouped = try reshape(b, x, [0, groups, -1])
    var y = try normalised(b, grouped, [2], epsilon: Double(epsilon)).y
    guard let count = b.fact(of: scale).dims?.first?.known ?? (isPerGroup ? nil : -1) else {
      throw EngineError(.notDifferentiable, "the size of the scale is not known")
    }
    let perGroup = isPerGroup && count == groups
    if perGroup {
      y = try plus(
        b, times(b, y, reshape(b, scale, [1, -1, 1])), reshape(b, bias, [1, -1, 1]))
      return Few(try reshape(b, y, like: x))
    }
    y = try reshape(b, y, like: x)
    return Few(
      try plus(
        b, times(b, y, perChannel(b, scale, rank: rank)), perChannel(b, bias, rank: rank)))
  }
}
