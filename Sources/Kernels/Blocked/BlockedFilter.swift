import CKernels
import Tensors

/// Weights of a convolution on blocked images, in the order in which its tiles read them.
public final class BlockedFilter: PackedForm {
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
  /// Input blocks (planes) of one convolution group, small groups joined, and channels of the last
  /// one, in fours.
  let inputBlocks: Int
  let lastFours: Int
  let memory: AlignedMemory
  let byteCount: Int
  /// Elements between the places of a transformed tile.
  let step: Int

  var weights: UnsafePointer<Float> {
    UnsafePointer(memory.bytes.assumingMemoryBound(to: Float.self))
  }

  public var packedBytes: Tensor { memory.tensor }

  /// How the packed form of some weights is made, or found among those made before: `form` says
  /// everything that it depends on beside the weights.
  public typealias Packer = (
    _ form: String, _ make: (PackedSpace) throws(EngineError) -> BlockedFilter
  ) throws(EngineError) -> BlockedFilter

  /// Whether the channels of every group fill whole blocks, or whole groups fill a block.
  static func fits(_ g: ConvGeometry, lanes: Int, isPlain: Bool) -> Bool {
    if g.groups == 1 { return true }
    if isPlain { return false }
    if g.channels % lanes == 0 && g.outputs % lanes == 0 { return true }
    return g.channels == g.outputs && lanes % g.channels == 0
      && (g.groups * g.channels) % lanes == 0
  }

  /// For the direct sum.
  ///
  /// - `source`: `[groups * outputs, channels, taps]`.
  /// - `widest`: most blocks of a tile: 1 to 3.
  ///
  /// Errors: `.budget` when the system has no memory for the weights.
  init(
    _ g: ConvGeometry, lanes: Int, isPlain: Bool, widest: Int, source: UnsafePointer<Float>,
    isa: InstructionSet = .current, space: PackedSpace = .fresh
  ) throws(EngineError) {
    // Small groups side by side are one group whose weights are mostly zeros.
    let joined = g.groups > 1 && g.channels < lanes ? lanes / g.channels : 1
    let (channels, outputs) = (g.channels * joined, g.outputs * joined)
    let steps = isPlain ? 1 : lanes
    inputBlocks = (channels + steps - 1) / steps
    lastFours = isPlain ? 0 : (channels - (inputBlocks - 1) * lanes + 3) / 4
    let depth = isPlain ? channels : (inputBlocks - 1) * lanes + lastFours * 4
    let outputBlocks = (outputs + lanes - 1) / lanes
    let split = Self.split(outputBlocks, widest: widest)
    let perBlock = depth * g.taps * lanes
    let parts = g.groups / joined
    byteCount = parts * outputBlocks * perBlock * 4
    step = 0
    memory = try space.memory(byteCount: byteCount)
    var list: [Group] = []
    var work: [dl_blocked_weights] = []
    for part in 0..<parts {
      var first = 0
      for blocks in split {
        let m = part * outputs + first * lanes
        work.append(
          dl_blocked_weights(
            weights: source + m * g.channels * g.taps, taps: g.taps, channels: channels,
            outputs: min(blocks * lanes, outputs - first * lanes), part: g.channels,
            share: joined > 1 ? g.outputs : Int(Int32.max), blocks: blocks, lanes: lanes,
            is_plain: isPlain ? 1 : 0))
        list.append(
          Group(
            first: part * outputBlocks + first, blocks: blocks,
            input: isPlain ? 0 : part * inputBlocks,
            offset: (part * outputBlocks + first) * perBlock))
        first += blocks
      }
    }
    groups = list
    if memory.isFilled { return }
    let pack: Pack = joined > 1 ? dl_blocked_pack_f32 : Self.packer(isa.blocked(lanes: lanes))
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    space.pool.run(work.count) { i in
      withUnsafePointer(to: work[i]) { pack(to + list[i].offset, $0) }
    }
  }

  private typealias Pack =
    @convention(c) (
      UnsafeMutablePointer<Float>?, UnsafePointer<dl_blocked_weights>?
    ) -> Void

  /// What packs groups that have weights for all channels.
  private static func packer(_ isa: InstructionSet) -> Pack {
    #if arch(x86_64)
      if isa == .avx512 { return dl_blocked_pack_f32__avx512 }
      if isa == .avx2 { return dl_blocked_pack_f32__avx2 }
    #endif
    return dl_blocked_pack_f32
  }

  /// Transformed for Winograd's tiles of `size` outputs squared, from `[outputs, channels, 3, 3]`.
  ///
  /// Errors: `.budget` when the system has no memory for the weights.
  init(
    _ g: ConvGeometry, winograd size: Int, lanes: Int, source: UnsafePointer<Float>,
    space: PackedSpace = .fresh
  ) throws(EngineError) {
    inputBlocks = (g.channels + lanes - 1) / lanes
    lastFours = (g.channels - (inputBlocks - 1) * lanes + 3) / 4
    let depth = (inputBlocks - 1) * lanes + lastFours * 4
    let outputBlocks = (g.outputs + lanes - 1) / lanes
    step = outputBlocks * lanes * depth
    byteCount = (size + 2) * (size + 2) * step * 4
    memory = try space.memory(byteCount: byteCount)
    var list: [Group] = []
    var work: [dl_blocked_weights] = []
    var first = 0
    for blocks in Self.split(outputBlocks, widest: 3) {
      work.append(
        dl_blocked_weights(
          weights: source + first * lanes * g.channels * 9, taps: 9, channels: g.channels,
          outputs: min(blocks * lanes, g.outputs - first * lanes), part: g.channels,
          share: Int(Int32.max), blocks: blocks, lanes: lanes, is_plain: 0))
      list.append(Group(first: first, blocks: blocks, input: 0, offset: first * lanes * depth))
      first += blocks
    }
    groups = list
    if memory.isFilled { return }
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    let step = self.step
    space.pool.run(work.count) { i in
      withUnsafePointer(to: work[i]) {
        dl_blocked_winograd_weights_f32(to + list[i].offset, step, size, $0)
      }
    }
  }

  /// `count` as a sum of twos and one three, whatever the image: the same packed weights serve all
  /// sizes. A tile of one block reads an input for each product, so ones are the last resort.
  static func split(_ count: Int, widest: Int) -> [Int] {
    if widest == 1 { return [Int](repeating: 1, count: count) }
    if count % 2 == 0 { return [Int](repeating: 2, count: count / 2) }
    if widest < 3 || count == 1 { return [Int](repeating: 2, count: count / 2) + [1] }
    return [Int](repeating: 2, count: (count - 3) / 2) + [3]
  }
}
