import Graphs
import Kernels
import Tensors

/// The attributes that GroupNorm and SkipGroupNorm share, and their rule and kernel.
public struct ChannelGroups: Hashable, Sendable {
  public var groups: Int
  public var isActivated: Bool
  public var isLast: Bool
  public var epsilon: Float

  static let types = DTypes(.float32, .float16)
  static let specs = [
    AttributeSpec("activation", .int, "0: none, 1: SiLU; required"),
    AttributeSpec("channels_last", .int, "0: channels follow the batch; default 1: they are last"),
    epsilonSpec, AttributeSpec("groups", .int, "a divisor of the channels; required"),
  ]

  public init(
    groups: Int, isActivated: Bool = false, isLast: Bool = true, epsilon: Float = 1e-5
  ) {
    self.groups = groups
    self.isActivated = isActivated
    self.isLast = isLast
    self.epsilon = epsilon
  }

  init(reading a: AttributeReader) throws(EngineError) {
    groups = try readHeads(a, "groups")
    let activation = try a.int("activation")
    guard activation == 0 || activation == 1 else {
      throw EngineError(
        .attribute, "attribute 'activation' has no legal value", expected: "0 or 1",
        received: "\(activation)")
    }
    isActivated = activation == 1
    isLast = try a.bool("channels_last", default: true)
    epsilon = try readEpsilon(a)
  }

  var attributes: [Attribute] {
    [.bool("activation", isActivated), .bool("channels_last", isLast), .int("groups", groups)]
      + epsilonAttribute(epsilon)
  }

  /// Errors: `.shape` for ranks, channels or vectors that do not fit.
  func check(_ c: Inference, vectors: [Int]) throws(EngineError) {
    try checkRank(c.dims(0), 4, "X")
    let channels = c.dims(0).map { isLast ? $0[3] : $0[1] }
    if let n = channels?.known, n % groups != 0 {
      throw EngineError(
        .shape, "channels do not divide into groups", expected: "a multiple of \(groups)",
        received: "\(n)")
    }
    for i in vectors { try checkRowBias(channels.map { [$0] }, c.dims(i), "input \(i)") }
  }

  /// The kernel for inputs that `check` passed.
  func prepare(_ p: Preparation, skip: Int?, bias: Int?) throws(EngineError) -> Prepared {
    for case let t? in p.inputs where t.dtype != .float32 { throw p.noKernel() }
    let x = try p.input(0).shape
    let channels = isLast ? x[3] : x[1]
    let pixels = isLast ? x[1] * x[2] : x[2] * x[3]
    var repeats = false
    if let skip {
      let s = try p.input(skip).shape
      let one = isLast ? [x[0], 1, 1, channels] : [x[0], channels, 1, 1]
      repeats = s != x
      guard s == x || s.array == one || s.array == [x[0], channels] else {
        throw EngineError(
          .shape, "skip does not fit", expected: "\(x), \(one) or [\(x[0]), \(channels)]",
          received: "\(s)")
      }
    }
    let kernel = PixelNormalize(
      batch: x[0], pixels: pixels, channels: channels, groups: groups, isLast: isLast,
      epsilon: epsilon, isActivated: isActivated, repeatsSkip: repeats)
    let skipAt = skip ?? -1
    let biasAt = bias.map { p.has($0) ? $0 : -1 } ?? -1
    let (wantsY, wantsSum) = (p.wants(0), p.wants(1))
    return Prepared(scratchBytes: wantsY ? 0 : x.count * 4, label: "group norm") { m in
      kernel.run(
        x: m.input(0), gain: m.input(1), shift: m.input(2),
        skip: skipAt < 0 ? nil : m.input(skipAt), bias: biasAt < 0 ? nil : m.input(biasAt),
        into: wantsY ? m.output(0) : m.scratch.assumingMemoryBound(to: Float.self),
        sum: wantsSum ? m.output(1) : nil, pool: m.pool)
    }
  }
}

extension ChannelGroups {
  /// The normalisation of `x`, with inputs 1 and 2 as gain and shift, with other operators.
  func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, _ x: B.Value?
  ) throws(EngineError) -> B.Value {
    guard let x, let gain = inputs[1], let shift = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let plain = try isLast ? b.apply(Transpose(perm: [0, 3, 1, 2]), x) : x
    let norm = GroupNormalization(groups: groups, epsilon: epsilon)
    var y = try b.apply(norm, plain, cast(b, gain, like: x), cast(b, shift, like: x))
    if isActivated { y = try b.apply(Swish(), y) }
    return try isLast ? b.apply(Transpose(perm: [0, 2, 3, 1]), y) : y
  }
}
