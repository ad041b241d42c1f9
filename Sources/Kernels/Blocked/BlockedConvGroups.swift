import CKernels
import Tensors

/// The output blocks of a blocked convolution as its tiles take them, and their packed weights.
struct BlockedConvGroups: Sendable {
  /// Neighbouring output blocks that a register tile computes together.
  struct Group: Sendable {
    let first: Int
    let blocks: Int
    /// The first input block that they read.
    let input: Int
    /// Elements before its weights.
    let offset: Int
  }
  let groups: [Group]
  /// Convolution groups, after small ones were joined to whole blocks.
  let parts: Int
  /// Input blocks (planes) of one such group, and channels of the last one, in fours.
  let inputBlocks: Int
  let lastFours: Int
  let weights: AlignedMemory
  let weightBytes: Int

  /// Whether the channels of every group fill whole blocks, or whole groups fill a block.
  static func fits(_ g: ConvGeometry, lanes: Int, isPlain: Bool) -> Bool {
    if g.groups == 1 { return true }
    if isPlain { return false }
    if g.channels % lanes == 0 && g.outputs % lanes == 0 { return true }
    return g.channels == g.outputs && lanes % g.channels == 0
      && (g.groups * g.channels) % lanes == 0
  }

  /// - `weights`: `[groups * outputs, channels, taps]`.
  /// - `widest`: most blocks of a tile: 1 to 4.
  ///
  /// Errors: `.budget` when the system has no memory for the weights.
  init(
    _ g: ConvGeometry, lanes: Int, isPlain: Bool, widest: Int,
    weights source: UnsafePointer<Float>
  ) throws(EngineError) {
    // Small groups side by side are one group whose weights are mostly zeros.
    let joined = g.groups > 1 && g.channels < lanes ? lanes / g.channels : 1
    parts = g.groups / joined
    let (channels, outputs) = (g.channels * joined, g.outputs * joined)
    let step = isPlain ? 1 : lanes
    inputBlocks = (channels + step - 1) / step
    lastFours = isPlain ? 0 : (channels - (inputBlocks - 1) * lanes + 3) / 4
    let depth = isPlain ? channels : (inputBlocks - 1) * lanes + lastFours * 4
    let outputBlocks = (outputs + lanes - 1) / lanes
    let split = Self.split(outputBlocks, widest: widest)
    let perBlock = depth * g.taps * lanes
    weightBytes = parts * outputBlocks * perBlock * 4
    let memory = try AlignedMemory(byteCount: weightBytes)
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    var list: [Group] = []
    for part in 0..<parts {
      var first = 0
      for blocks in split {
        let offset = (part * outputBlocks + first) * perBlock
        let m = part * outputs + first * lanes
        var k = dl_blocked_weights(
          weights: source + m * g.channels * g.taps, taps: g.taps, channels: channels,
          outputs: min(blocks * lanes, outputs - first * lanes), part: g.channels,
          share: joined > 1 ? g.outputs : Int(Int32.max), blocks: blocks, lanes: lanes,
          is_plain: isPlain ? 1 : 0)
        dl_blocked_pack_f32(to + offset, &k)
        list.append(
          Group(
            first: part * outputBlocks + first, blocks: blocks,
            input: isPlain ? 0 : part * inputBlocks, offset: offset))
        first += blocks
      }
    }
    groups = list
    self.weights = memory
  }

  /// `count` as a sum of numbers up to `widest`, avoiding 1 where there is another way: a tile of
  /// one block reads an input for each product.
  static func split(_ count: Int, widest: Int) -> [Int] {
    if widest >= 3 && count % widest == 0 {
      return [Int](repeating: widest, count: count / widest)
    }
    if widest == 1 { return [Int](repeating: 1, count: count) }
    if count % 2 == 0 { return [Int](repeating: 2, count: count / 2) }
    if widest < 3 || count == 1 { return [Int](repeating: 2, count: count / 2) + [1] }
    if count % 3 == 0 { return [Int](repeating: 3, count: count / 3) }
    return [Int](repeating: 2, count: (count - 3) / 2) + [3]
  }
}
