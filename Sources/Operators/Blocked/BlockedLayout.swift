import Graphs
import Kernels
import Tensors

/// The layout in which `block` channels of an image lie side by side: `[N, C, H, W]` becomes
/// `[N, ceil(C / block), H, W, block]`, with zeros in the lanes beyond the last channel. The planes of
/// a volume are images: `[N, C, D, H, W]` becomes `[N D, ceil(C / block), H, W, block]`.
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
  static let depthSpec = AttributeSpec(
    "depth", .int, "planes of each volume; default 1, of FromBlocked 0 for images")
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

  static func depth(_ a: AttributeReader, least: Int) throws(EngineError) -> Int {
    let n = try a.int("depth", default: least)
    guard n >= least, n <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'depth' is out of range", expected: "\(least) to \(Int32.max)",
        received: "\(n)")
    }
    return n
  }

  /// `[N, C, H, W]` or `[N, C, D, H, W]` in this layout.
  func blocked(_ given: [Dim]) -> [Dim] {
    var plain = given
    if plain.count == 5 { plain[0] = plain[0] * plain.remove(at: 2) }
    return [plain[0], plain[1].dividedRoundingUp(by: Dim(block)), plain[2], plain[3], Dim(block)]
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

  /// The same as those of a plain volume of `depth` planes.
  ///
  /// Errors: as `plain`, and where the planes are not those of whole volumes.
  func plain(_ dims: [Dim], channels: Dim, depth: Int, _ name: String) throws(EngineError) -> [Dim]
  {
    var plain = try plain(dims, channels: channels, name)
    if let count = plain[0].known, count % depth != 0 {
      throw EngineError(
        .shape, "input \(name) has planes that belong to no volume",
        expected: "a multiple of \(depth)", received: "\(count)")
    }
    plain[0] = plain[0] / Dim(depth)
    plain.insert(Dim(depth), at: 2)
    return plain
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

  /// The move between the layouts for a plain image or volume of these sizes.
  func move(_ plain: Shape) -> BlockedMove {
    let r = plain.rank
    return BlockedMove(
      batch: plain[0], channels: plain[1], depth: r == 5 ? plain[2] : 1,
      pixels: plain[r - 2] * plain[r - 1], lanes: block)
  }

  /// 7 channels of 3 planes of 5 x 4 pixels, in two volumes, with distinct elements.
  static func exampleVolume(channels: Int = 7) throws(EngineError) -> Tensor {
    try Tensor(
      shape: [2, channels, 3, 5, 4],
      (0..<2 * channels * 60).map { Float(($0 * 37) % 101) * 0.125 - 4 })
  }

  /// 7 channels of 5 x 4 pixels, in two images, as a plain image with distinct elements.
  static func example(channels: Int = 7) throws(EngineError) -> Tensor {
    try Tensor(
      shape: [2, channels, 5, 4],
      (0..<2 * channels * 20).map { Float(($0 * 37) % 101) * 0.125 - 4 })
  }
}
