import CKernels
import Tensors

/// A 3x3 convolution of stride 1 on planes by Winograd's algorithm F(4x4), whose weights come anew
/// with each run, as in training.
///
/// Each run transforms the weights, then unit by unit (see `WinogradTiles`) the inputs, takes the
/// products place by place, and transforms back.
///
/// Accuracy: about 1e-5 of the largest output at 512 channels. Every output is computed the same
/// way for any number of threads.
public struct WinogradConvPlan: Sendable {
  public let scratchBytes: Int
  public let label: String

  let tiles: WinogradTiles
  /// Neighbouring output blocks computed together, and the channels of a sum, by fours.
  let groups: [(first: Int, blocks: Int)]
  let depth: Int
  let weightCount: Int
  let biasCount: Int
  let slots: Int
  let slotCount: Int

  /// Nil where the algorithm cannot take the convolution, or would not pay.
  public init?(_ g: ConvGeometry, threads: Int = 1, isa: InstructionSet = .current) {
    guard WinogradTiles.takes(g, isa: isa) else { return nil }
    let isParallel = threads > 1 && g.outputCount * g.channels >= 65_536
    let lanes = WinogradTiles.lanes
    let tiles = WinogradTiles(
      g, share: CacheSizes.level2 / 3, least: isParallel ? threads * 4 : 1)
    self.tiles = tiles
    depth = (g.channels + 3) / 4 * 4
    // Vector operations of an image: products, transforms and moves there and back; those of the
    // product of columns, which keeps the multipliers busy half of the time.
    let perImage = tiles.rows * tiles.columns
    let own =
      WinogradTiles.places * depth * tiles.outputBlocks * perImage
      + perImage * (tiles.inputBlocks + tiles.outputBlocks) * 350
    let others = 18 * g.channels * g.outputs * g.outputPixels / lanes
    guard own < others * 9 / 10 else { return nil }
    var first = 0
    var list: [(first: Int, blocks: Int)] = []
    for blocks in BlockedFilter.split(tiles.outputBlocks, widest: 3) {
      list.append((first, blocks))
      first += blocks
    }
    groups = list
    weightCount = WinogradTiles.places * tiles.outputBlocks * lanes * depth
    biasCount = (tiles.outputBlocks + 3) * lanes
    slots = isParallel ? min(threads, tiles.units) : 1
    slotCount =
      (WinogradTiles.places * (tiles.inStep + tiles.outStep) + tiles.blockCount + 15) / 16 * 16
    scratchBytes = (weightCount + biasCount + slots * slotCount) * 4
    label = "conv winograd F(4x4) \(isa)"
  }

  /// - `weights`: `[outputs, channels, 3, 3]`; where `isTurned` those of the convolution whose
  ///   input gradient this is: `[channels, outputs, 3, 3]`, taps turned round.
  /// - `bias`: an element an output, or nil.
  public func run(
    x: UnsafePointer<Float>, weights: UnsafePointer<Float>, isTurned: Bool,
    bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    #if arch(x86_64)
      nonisolated(unsafe) let (x, y) = (x, y)
      nonisolated(unsafe) let packed = scratch.assumingMemoryBound(to: Float.self)
      nonisolated(unsafe) let biases = packed + weightCount
      let outputs = tiles.geometry.outputs
      for i in 0..<biasCount { biases[i] = i < outputs ? bias?[i] ?? 0 : 0 }
      transform(weights, isTurned, packed, slots > 1 ? pool : .single)
      pool.run(slots > 1 ? tiles.units : 1, slots: slots) { piece, slot in
        let own = biases + biasCount + slot * slotCount
        let sums = own + WinogradTiles.places * tiles.inStep
        let block = sums + WinogradTiles.places * tiles.outStep
        for i in slots > 1 ? piece..<piece + 1 : 0..<tiles.units {
          let unit = tiles.unit(i)
          tiles.transformInputs(unit, x, into: own, block: block)
          multiply(unit, own, packed, biases + tiles.outputBlocks * WinogradTiles.lanes, sums)
          tiles.transformBack(unit, sums, bias: biases, into: y, block: block)
        }
      }
    #endif
  }

  #if arch(x86_64)
    /// The weights in the order in which products read them, 16 outputs by 16 channels a piece.
    private func transform(
      _ weights: UnsafePointer<Float>, _ isTurned: Bool, _ to: UnsafeMutablePointer<Float>,
      _ pool: ThreadPool
    ) {
      let g = tiles.geometry
      let lanes = WinogradTiles.lanes
      let parts = (depth + lanes - 1) / lanes
      let (ofOutput, ofChannel) = isTurned ? (9, g.outputs * 9) : (g.channels * 9, 9)
      for group in groups {
        let row = group.blocks * lanes
        pool.run(group.blocks * parts) { piece in
          let (block, c) = (piece / parts, piece % parts * lanes)
          let m = (group.first + block) * lanes
          dl_winograd_weights_f32__avx512(
            to + group.first * lanes * depth + c * row + block * lanes,
            tiles.outputBlocks * lanes * depth, row, weights + m * ofOutput + c * ofChannel,
            min(lanes, g.outputs - m), ofOutput, min(lanes, g.channels - c), ofChannel,
            min(lanes, depth - c), isTurned ? 1 : 0)
        }
      }
    }

    private func multiply(
      _ unit: WinogradTiles.Unit, _ inputs: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
      _ zeros: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>
    ) {
      let lanes = WinogradTiles.lanes
      let step = tiles.count * lanes
      var c = dl_blocked_conv(
        in_blocks: tiles.inputBlocks, last_fours: (depth - (tiles.inputBlocks - 1) * lanes) / 4,
        block_step: step, taps: (1, 1), tap_step: (0, 0), row_step: 0, pixel_step: lanes,
        out_block: step, out_row: 0, out_pixel: lanes, tile_rows: 1, tile: 1, is_plain: 0,
        is_half: 0, form: BlockedFinish.none.code, low: 0, high: 0, after: nil, numbers: (0, 0),
        next: nil,
        next_bytes: 0)
      let count = unit.images * unit.rows * tiles.columns
      for place in 0..<WinogradTiles.places {
        for group in groups {
          c.tile = BlockedConvPlan.columns(group.blocks, 1, .avx512, isNear: true)
          dl_blocked_conv_f32__avx512(
            &c, group.blocks, 1, count, inputs + place * tiles.inStep,
            weights + (place * tiles.outputBlocks + group.first) * lanes * depth, zeros, nil,
            sums + place * tiles.outStep + group.first * step)
        }
      }
    }
  #endif
}
