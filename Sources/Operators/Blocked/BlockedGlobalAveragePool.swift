import Graphs
import Kernels
import Tensors

/// The mean of each channel of an image in the blocked layout, over all pixels.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`, block 8 or 16.
/// - `channels`: C. `keeps_blocks`: 1 for a result in blocks; default 0.
/// - Output: `[N, C, 1, 1]`, or `[N, ceil(C / block), 1, 1, block]` with `keeps_blocks`.
/// - Errors: `.shape` for another rank or another number of blocks than C has.
/// - Edges: without pixels the result is NaN.
/// - Source: domain ai.dlrun 1; ONNX GlobalAveragePool after a change of layout.
public struct BlockedGlobalAveragePool: Operator {
  public let channels: Int
  public let keepsBlocks: Bool

  public static let schema = Schema(
    "BlockedGlobalAveragePool", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types)], outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: [
      BlockedLayout.channelsSpec,
      AttributeSpec("keeps_blocks", .int, "1: the result is in blocks; default 0"),
    ],
    cases: {
      let x = try Eager().apply(ToBlocked(block: 8), BlockedLayout.example(channels: 11))
      return [
        .init(BlockedGlobalAveragePool(channels: 11), [x]),
        .init(BlockedGlobalAveragePool(channels: 11, keepsBlocks: true), [x]),
      ]
    })

  public init(channels: Int, keepsBlocks: Bool = false) {
    self.channels = channels
    self.keepsBlocks = keepsBlocks
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try BlockedLayout.channels(a)
    keepsBlocks = try a.bool("keeps_blocks", default: false)
  }
  public var attributes: [Attribute] {
    [.int("channels", channels)] + (keepsBlocks ? [.bool("keeps_blocks", true)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    // The same rule as taking the whole image out of its blocks.
    let plain = try FromBlocked(channels: channels).infer(c).first?.dims
    guard let n = plain?.first else { return [Fact(c.dtype(0), nil)] }
    let pooled: [Dim] = keepsBlocks ? [n, x[1], 1, 1, x[4]] : [n, Dim(channels), 1, 1]
    return [Fact(c.dtype(0), pooled)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    guard x.dtype == .float32 else { throw p.noKernel() }
    let kernel = BlockedMean(
      batch: y.shape[0], channels: channels, pixels: x.shape[2] * x.shape[3], lanes: x.shape[4],
      keepsBlocks: keepsBlocks, threads: p.options.threads)
    return Prepared(label: kernel.label) { m in
      kernel.run(x: m.input(0), y: m.output(0), pool: m.pool)
    }
  }
}
