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
    /// Input blocks (planes) that they read, and channels of the last one, in fours.
    let inputBlocks: Int
    let lastFours: Int
    /// Elements before its weights.
    let offset: Int
    /// Whether the last of them has channels in half of its lanes at most.
    let isHalf: Bool
  }
  let groups: [Group]
  let memory: AlignedMemory
  let byteCount: Int
  /// Elements between the places of a transformed tile.
  let step: Int

  var weights: UnsafePointer<Float> {
    UnsafePointer(memory.bytes.assumingMemoryBound(to: Float.self))
  }

  public var packedBytes: Tensor { memory.tensor }

  /// Input channels from `first` on, as many as groups of blocks `channels` of them take.
  private static func inputs(_ first: Int, _ count: Int, lanes: Int, isPlain: Bool)
    -> (first: Int, blocks: Int, lastFours: Int)
  {
    if isPlain { return (first, count, 0) }
    let block = first / lanes
    let channels = first + count - block * lanes
    let blocks = (channels + lanes - 1) / lanes
    return (block, blocks, (channels - (blocks - 1) * lanes + 3) / 4)
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
    let steps = isPlain ? 1 : lanes
    // Groups that fill whole blocks have tiles of their own. Tiles of others read the channels of
    // all groups that they touch, and meet zeros where a channel is none of theirs.
    let isWhole = g.groups == 1 || (g.channels % lanes == 0 && g.outputs % lanes == 0)
    let outputBlocks = ((isWhole ? g.outputs : g.groups * g.outputs) + lanes - 1) / lanes
    let split = Self.split(outputBlocks, widest: widest)
    var list: [Group] = []
    var work: [dl_blocked_weights] = []
    var end = 0
    for part in 0..<(isWhole ? g.groups : 1) {
      var first = part * outputBlocks
      for blocks in split {
        let m = first * lanes
        let last = min((first + blocks) * lanes, g.groups * g.outputs) - 1
        let (low, high) = (m / g.outputs, last / g.outputs)
        let input = Self.inputs(
          low * g.channels, (high - low + 1) * g.channels, lanes: lanes, isPlain: isPlain)
        list.append(
          Group(
            first: first, blocks: blocks, input: input.first, inputBlocks: input.blocks,
            lastFours: input.lastFours, offset: end,
            isHalf: last + 1 - (first + blocks - 1) * lanes <= lanes / 2))
        let depth = isPlain ? input.blocks : (input.blocks - 1) * lanes + input.lastFours * 4
        let start = input.first * steps
        // The last block has as many channels as its group of outputs reads.
        let channels = min(g.groups * g.channels - start, isPlain ? input.blocks : depth)
        work.append(
          dl_blocked_weights(
            weights: source + m * g.channels * g.taps, taps: g.taps, channels: channels,
            outputs: min(blocks * lanes, g.groups * g.outputs - m), part: g.channels,
            share: g.outputs, first_output: m, first_channel: start, blocks: blocks, lanes: lanes,
            is_plain: isPlain ? 1 : 0))
        end += depth * g.taps * blocks * lanes
        first += blocks
      }
    }
    groups = list
    byteCount = end * 4
    step = 0
    memory = try space.memory(byteCount: byteCount, inLargePages: true)
    if memory.isFilled { return }
    let pack: Pack = isWhole ? Self.packer(isa.blocked(lanes: lanes)) : dl_blocked_pack_f32
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

  /// Transformed for Winograd's algorithm, from `[outputs, channels, height, width]`; the parts of
  /// wider windows lie as channels do.
  ///
  /// Errors: `.budget` when the system has no memory for the weights.
  init(
    _ g: ConvGeometry, winograd form: WinogradForm, lanes: Int, source: UnsafePointer<Float>,
    space: PackedSpace = .fresh
  ) throws(EngineError) {
    let inputBlocks = (g.channels + lanes - 1) / lanes
    let lastFours = (g.channels - (inputBlocks - 1) * lanes + 3) / 4
    let summedBlocks = inputBlocks * form.parts
    let depth = (summedBlocks - 1) * lanes + lastFours * 4
    let outputBlocks = (g.outputs + lanes - 1) / lanes
    step = outputBlocks * lanes * depth
    byteCount = form.places * step * 4
    memory = try space.memory(byteCount: byteCount, inLargePages: true)
    var list: [Group] = []
    var work: [dl_blocked_weights] = []
    var first = 0
    for blocks in Self.split(outputBlocks, widest: 3) {
      work.append(
        dl_blocked_weights(
          weights: source + first * lanes * g.channels * g.taps, taps: g.taps, channels: g.channels,
          outputs: min(blocks * lanes, g.outputs - first * lanes), part: g.channels,
          share: Int(Int32.max), first_output: 0, first_channel: 0, blocks: blocks, lanes: lanes,
          is_plain: 0))
      list.append(
        Group(
          first: first, blocks: blocks, input: 0, inputBlocks: summedBlocks, lastFours: lastFours,
          offset: first * lanes * depth,
          isHalf: g.outputs - (first + blocks - 1) * lanes <= lanes / 2))
      first += blocks
    }
    groups = list
    if memory.isFilled { return }
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    let step = self.step
    let filter = dl_winograd_filter(
      axis: (form.height.rawValue, form.width.rawValue), taps: (g.kernel[1], g.kernel[2]),
      parts: (form.partsHigh, form.partsWide), part_depth: inputBlocks * lanes)
    space.pool.run(work.count) { i in
      withUnsafePointer(to: work[i]) { weights in
        withUnsafePointer(to: filter) {
          dl_blocked_winograd_weights_f32(to + list[i].offset, step, $0, weights)
        }
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
