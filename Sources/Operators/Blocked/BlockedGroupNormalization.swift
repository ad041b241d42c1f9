import Graphs
import Kernels
import Tensors

/// Groups of channels of an image in the blocked layout brought to zero mean and unit variance:
/// `Y = (X - mean) / sqrt(var + epsilon) * scale + bias`.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`, block 8 or 16. `scale`, `bias`: `[C]`.
/// - Attributes: `channels`: C; `num_groups`: a divisor of C; `epsilon`: default 1e-5; `depth`: planes
///   of each volume, which are images one after another and share mean and variance; default 1.
/// - Output: the shape of X; lanes beyond the last channel are 0.
/// - Errors: `.shape` for another rank or another number of blocks than C has, or parameters of
///   another size; `.attribute` for groups that do not divide C.
/// - Accuracy: mean and variance in float32 over 64 pixels, in float64 over these.
/// - Source: domain ai.dlrun 1; ONNX GroupNormalization between changes of layout, and
///   InstanceNormalization, where every channel is a group.
public struct BlockedGroupNormalization: Operator {
  public let channels: Int
  public let groups: Int
  public let depth: Int
  public let epsilon: Float

  public static let schema = Schema(
    "BlockedGroupNormalization", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", BlockedLayout.types), Parameter("scale", BlockedLayout.types),
      Parameter("bias", BlockedLayout.types),
    ],
    outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: [
      BlockedLayout.channelsSpec, BlockedLayout.depthSpec, epsilonSpec,
      AttributeSpec("num_groups", .int, "groups of channels, a divisor of C"),
    ],
    cases: {
      let x = try Eager().apply(ToBlocked(block: 8), BlockedLayout.example(channels: 12))
      let gain = try Tensor((0..<12).map { Float($0) / 4 - 1 })
      let bias = try Tensor((0..<12).map { Float(($0 * 5) % 12) / 8 })
      return [
        .init(BlockedGroupNormalization(channels: 12, groups: 4), [x, gain, bias]),
        .init(BlockedGroupNormalization(channels: 12, groups: 12), [x, gain, bias]),
        .init(BlockedGroupNormalization(channels: 12, groups: 3, depth: 2), [x, gain, bias]),
      ]
    })

  public init(channels: Int, groups: Int, epsilon: Float = 1e-5, depth: Int = 1) {
    self.channels = channels
    self.depth = depth
    self.groups = groups
    self.epsilon = epsilon
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try BlockedLayout.channels(a)
    groups = try a.int("num_groups")
    guard groups >= 1, channels % groups == 0 else {
      throw EngineError(
        .attribute, "attribute 'num_groups' does not divide the channels",
        expected: "a divisor of \(channels)", received: "\(groups)")
    }
    epsilon = try readEpsilon(a)
    depth = try BlockedLayout.depth(a, least: 1)
  }
  public var attributes: [Attribute] {
    [.int("channels", channels), .int("num_groups", groups)] + epsilonAttribute(epsilon)
      + (depth > 1 ? [.int("depth", depth)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    // The same rule as taking the image out of its blocks.
    _ = try FromBlocked(channels: channels, depth: depth).infer(c)
    return [Fact(c.dtype(0), x)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard x.dtype == .float32 else { throw p.noKernel() }
    try checkChannels("scale", p.input(1), channels)
    try checkChannels("bias", p.input(2), channels)
    let kernel = BlockedGroupNormalize(
      batch: x.shape[0] / depth, depth: depth, groups: groups, channels: channels,
      pixels: x.shape[2] * x.shape[3], lanes: x.shape[4], epsilon: Double(epsilon),
      threads: p.options.threads)
    return Prepared(scratchBytes: kernel.scratchBytes, inPlace: 1, label: kernel.label) { m in
      kernel.run(
        x: m.input(0), gain: m.input(1), bias: m.input(2), y: m.output(0), scratch: m.scratch,
        pool: m.pool)
    }
  }
}
