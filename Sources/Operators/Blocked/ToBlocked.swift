import Graphs
import Kernels
import Tensors

/// Puts the channels of an image side by side in blocks:
/// `Y[n, c / block, h, w, c mod block] = X[n, c, h, w]`.
///
/// - `X`: float32 `[N, C, H, W]`, or volumes `[N, C, D, H, W]`.
/// - `block`: 8 or 16; default 16.
/// - Output: `[N, ceil(C / block), H, W, block]`, `[N D, ...]` of volumes; lanes beyond the last channel are 0.
/// - Errors: `.shape` for another rank.
/// - Source: domain ai.dlrun 1.
public struct ToBlocked: Operator {
  public let block: Int

  public static let schema = Schema(
    "ToBlocked", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types)], outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: [BlockedLayout.spec],
    cases: {
      [
        .init(ToBlocked(block: 16), [try BlockedLayout.example()]),
        .init(ToBlocked(block: 8), [try BlockedLayout.example(channels: 19)]),
        .init(ToBlocked(block: 8), [try BlockedLayout.exampleVolume()]),
      ]
    })

  public init(block: Int) { self.block = block }
  public init(reading a: AttributeReader) throws(EngineError) {
    block = try BlockedLayout(reading: a).block
  }
  public var attributes: [Attribute] { [layout.attribute] }
  private var layout: BlockedLayout { .init(block: block) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    guard x.count == 4 || x.count == 5 else {
      throw EngineError(
        .shape, "the input is no image", expected: "[N, C, H, W] or [N, C, D, H, W]",
        received: "\(x)")
    }
    return [Fact(c.dtype(0), layout.blocked(x))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard x.dtype == .float32 else { throw p.noKernel() }
    if x.shape.count(of: 2..<x.shape.rank) == 1, x.shape[1] % block == 0 { return .view }
    let move = layout.move(x.shape)
    return Prepared(label: "to blocks of \(block)") { m in
      move.toBlocked(m.input(0), into: m.output(0), pool: m.pool)
    }
  }
}
