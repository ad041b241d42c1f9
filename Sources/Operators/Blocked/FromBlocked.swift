import Graphs
import Kernels
import Tensors

/// Takes an image out of its blocks: `Y[n, c, h, w] = X[n, c / block, h, w, c mod block]`.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`, block 8 or 16.
/// - `channels`: C. `depth`: D of volumes, whose planes are X's images; default 0, for images.
/// - Output: `[N, C, H, W]`, or `[N / D, C, D, H, W]`.
/// - Errors: `.shape` for another rank or block, or another number of blocks than C has.
/// - Source: domain ai.dlrun 1.
public struct FromBlocked: Operator {
  public let channels: Int
  public let depth: Int

  public static let schema = Schema(
    "FromBlocked", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types)], outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: [BlockedLayout.channelsSpec, BlockedLayout.depthSpec],
    cases: {
      let volume = try Eager().apply(ToBlocked(block: 8), BlockedLayout.exampleVolume())
      return try [(7, 16), (19, 8)].map { channels, block in
        let x = try BlockedLayout.example(channels: channels)
        return .init(
          FromBlocked(channels: channels), [try Eager().apply(ToBlocked(block: block), x)])
      } + [.init(FromBlocked(channels: 7, depth: 3), [volume])]
    })

  public init(channels: Int, depth: Int = 0) {
    self.channels = channels
    self.depth = depth
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try BlockedLayout.channels(a)
    depth = try BlockedLayout.depth(a, least: 0)
  }
  public var attributes: [Attribute] {
    [.int("channels", channels)] + (depth > 0 ? [.int("depth", depth)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    let block = x.last?.known ?? 16
    guard block == 8 || block == 16 else {
      throw EngineError(
        .shape, "the input is not blocked", expected: "8 or 16 on the last axis", received: "\(x)")
    }
    // Without a known block the number of blocks says nothing.
    let count = x.last?.known == nil ? c.unknown() : Dim(channels)
    let layout = BlockedLayout(block: block)
    var plain =
      depth > 0
      ? try layout.plain(x, channels: count, depth: depth, "X")
      : try layout.plain(x, channels: count, "X")
    plain[1] = Dim(channels)
    return [Fact(c.dtype(0), plain)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    guard x.dtype == .float32 else { throw p.noKernel() }
    let move = BlockedLayout(block: x.shape[4]).move(y.shape)
    // Images of one pixel have their channels side by side.
    let isPixel = x.shape[2] * x.shape[3] == 1 && depth <= 1
    if isPixel, x.count == y.count { return .view }
    let movement = isPixel && x.shape[0] == 1 ? Movement.parts([0]) : .none
    return Prepared(movement: movement, label: "from blocks of \(x.shape[4])") { m in
      move.fromBlocked(m.input(0), into: m.output(0), pool: m.pool)
    }
  }
}
