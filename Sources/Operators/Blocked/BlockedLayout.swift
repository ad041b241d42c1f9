import Graphs
import Kernels
import Tensors

/// The layout in which `block` channels of an image lie side by side: `[N, C, H, W]` becomes
/// `[N, ceil(C / block), H, W, block]`, with zeros in the lanes beyond the last channel.
public struct BlockedLayout: Hashable, Sendable {
  /// 8 or 16.
  public let block: Int

  public init(block: Int) { self.block = block }

  /// The block that this machine's kernels want: 16 with AVX-512, else 8.
  public static var best: BlockedLayout {
    .init(block: InstructionSet.current >= .avx512 ? 16 : 8)
  }

  static let types = DTypes(.float32)
  static let spec = AttributeSpec(
    "block", .int, "channels that lie side by side: 8 or 16; default 16")
  static let channelsSpec = AttributeSpec("channels", .int, "channels of the plain image")

  init(reading a: AttributeReader) throws(EngineError) {
    block = try a.int("block", default: 16)
    guard block == 8 || block == 16 else {
      throw EngineError(
        .attribute, "attribute 'block' is out of range", expected: "8 or 16", received: "\(block)")
    }
  }
  var attribute: Attribute { .int("block", block) }

  static func channels(_ a: AttributeReader) throws(EngineError) -> Int {
    let n = try a.int("channels")
    guard n >= 1, n <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'channels' is out of range", expected: "1 to \(Int32.max)",
        received: "\(n)")
    }
    return n
  }

  /// `[N, C, H, W]` in this layout.
  func blocked(_ plain: [Dim]) -> [Dim] {
    [plain[0], plain[1].dividedRoundingUp(by: Dim(block)), plain[2], plain[3], Dim(block)]
  }
  func blocks(_ channels: Int) -> Int { (channels + block - 1) / block }

  /// The sizes of a blocked image as those of a plain one with `channels`.
  ///
  /// Errors: `.shape` where they are not those of an image in this layout with that many channels.
  func plain(_ dims: [Dim], channels: Dim, _ name: String) throws(EngineError) -> [Dim] {
    guard dims.count == 5, dims[4].known == nil || dims[4].known == block else {
      throw EngineError(
        .shape, "input \(name) is no image in blocks of \(block)",
        expected: "[N, C / \(block), H, W, \(block)]", received: "\(dims)")
    }
    if let c = channels.known, let given = dims[1].known, blocks(c) != given {
      throw EngineError(
        .shape, "input \(name) has another number of channels",
        expected: "\(blocks(c)) blocks for \(c) channels", received: "\(given)")
    }
    return [dims[0], channels, dims[2], dims[3]]
  }

  /// A plain image of every lane of a blocked one; nil where the rank is not known.
  ///
  /// Errors: `.shape` where it is no blocked image.
  static func lanes(_ dims: [Dim]?) throws(EngineError) -> [Dim]? {
    guard let dims else { return nil }
    guard dims.count == 5 else {
      throw EngineError(
        .shape, "the input is no image in blocks", expected: "[N, C / block, H, W, block]",
        received: "\(dims)")
    }
    return [dims[0], dims[1] * dims[4], dims[2], dims[3]]
  }

  /// The move between the layouts for a plain image of these sizes.
  func move(_ plain: Shape) -> BlockedMove {
    BlockedMove(
      batch: plain[0], channels: plain[1], pixels: plain[2] * plain[3], lanes: block)
  }

  /// 7 channels of 5 x 4 pixels, in two images, as a plain image with distinct elements.
  static func example(channels: Int = 7) throws(EngineError) -> Tensor {
    try Tensor(
      shape: [2, channels, 5, 4],
      (0..<2 * channels * 20).map { Float(($0 * 37) % 101) * 0.125 - 4 })
  }
}
