import Graphs
import Kernels
import Tensors

/// Takes an image out of its blocks: `Y[n, c, h, w] = X[n, c / block, h, w, c mod block]`.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`, block 8 or 16.
/// - `channels`: C.
/// - Output: `[N, C, H, W]`.
/// - Errors: `.shape` for another rank or block, or another number of blocks than C has.
/// - Source: domain ai.dlrun 1.
public struct FromBlocked: Operator {
  public let channels: Int

  public static let schema = Schema(
    "FromBlocked", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types)], outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: [BlockedLayout.channelsSpec],
    cases: {
      try [(7, 16), (19, 8)].map { channels, block in
        let x = try BlockedLayout.example(channels: channels)
        return .init(
          FromBlocked(channels: channels), [try Eager().apply(ToBlocked(block: block), x)])
      }
    })

  public init(channels: Int) { self.channels = channels }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try BlockedLayout.channels(a)
  }
  public var attributes: [Attribute] { [.int("channels", channels)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    let block = x.last?.known ?? 16
    guard block == 8 || block == 16 else {
      throw EngineError(
        .shape, "the input is not blocked", expected: "8 or 16 on the last axis", received: "\(x)")
    }
    // Without a known block the number of blocks says nothing.
    let count = x.last?.known == nil ? c.unknown() : Dim(channels)
    let plain = try BlockedLayout(block: block).plain(x, channels: count, "X")
    return [Fact(c.dtype(0), [plain[0], Dim(channels), plain[2], plain[3]])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    guard x.dtype == .float32 else { throw p.noKernel() }
    let move = BlockedLayout(block: x.shape[4]).move(y.shape)
    // Images of one pixel have their channels side by side.
    let isPixel = x.shape[2] * x.shape[3] == 1
    if isPixel, x.count == y.count { return .view }
    let movement = isPixel && x.shape[0] == 1 ? Movement.parts([0]) : .none
    return Prepared(movement: movement, label: "from blocks of \(x.shape[4])") { m in
      move.fromBlocked(m.input(0), into: m.output(0), pool: m.pool)
    }
  }
}
