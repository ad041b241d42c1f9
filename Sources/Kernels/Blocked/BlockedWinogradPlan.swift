import CKernels
import Tensors

/// A 3x3 convolution of stride 1 on blocked images by Winograd's algorithm, with everything
/// settled but the memory.
///
/// Tiles of `size` outputs squared fall into groups whose transformed inputs and sums stay in the
/// second-level cache. For each group: inputs are transformed, each of the `(size + 2)` squared
/// places is a product over channels, as a 1x1 convolution, and sums are transformed back. F(4x4)
/// takes a quarter of the products of the direct sum, F(2x2) 4 in 9.
///
/// Accuracy: F(2x2) as the direct sum; F(4x4) up to 1.3e-5 of the largest output at 512 channels.
/// Results do not depend on the number of threads.
public struct BlockedWinogradPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  let geometry: ConvGeometry
  let size: Int
  let lanes: Int
  let isa: InstructionSet
  let finish: BlockedFinish
  let after: dl_unary_fn?
  let inputBlocks: Int
  let outputBlocks: Int
  let filter: BlockedFilter
  /// Bias of every lane, then zeros for the sums before they are transformed.
  let bias: AlignedMemory
  /// Tiles of a row, of an image and of a group.
  let columns: Int
  let tiles: Int
  let group: Int
  let groups: Int
  let inStep: Int
  let outStep: Int
  let pieces: Int
  let pieceBytes: Int

  /// The tile that pays for a convolution: 4, 2, or nil for the direct sum.
  ///
  /// The limits are measured: F(4x4) needs some 25 tiles for its weights, which are 4 times the
  /// plain ones, and F(2x2) stops to pay at 7x7. Below 24 channels the transforms weigh too much.
  public static func size(
    _ g: ConvGeometry, lanes: Int, finish: BlockedFinish, exact: Bool,
    isa: InstructionSet = .current
  ) -> Int? {
    let ones = [1, 1, 1]
    guard g.kernel == [1, 3, 3], g.strides == ones, g.dilations == ones, g.groups == 1,
      g.output[0] == 1, g.channels >= 24, g.outputs >= 24, isa.blocked(lanes: lanes) != .scalar,
      finish.keepsZero || g.outputs % lanes == 0
    else { return nil }
    func tiles(_ m: Int) -> Int { ((g.output[1] + m - 1) / m) * ((g.output[2] + m - 1) / m) }
    if !exact && tiles(4) >= 25 { return 4 }
    return tiles(2) >= 25 ? 2 : nil
  }

  /// - `size`: 2 or 4.
  /// - `weights`: `[outputs, channels, 3, 3]`; `bias`: an element an output, or nil.
  /// - `pack`: where transformed weights are kept.
  ///
  /// Errors: `.budget` when the system has no memory for transformed weights.
  public init(
    _ g: ConvGeometry, size: Int, lanes: Int, finish: BlockedFinish,
    weights source: UnsafePointer<Float>, bias given: UnsafePointer<Float>?, threads: Int = 1,
    isa: InstructionSet = .current,
    pack: BlockedFilter.Packer = { (_, make) throws(EngineError) in try make(.fresh) }
  ) throws(EngineError) {
    precondition(size == 2 || size == 4, "tiles of \(size)")
    let isa = isa.blocked(lanes: lanes)
    precondition(isa != .scalar, "no transforms for \(lanes) lanes")
    (geometry, self.size, self.lanes, self.isa, self.finish) = (g, size, lanes, isa, finish)
    after = finish.function(isa)
    inputBlocks = (g.channels + lanes - 1) / lanes
    outputBlocks = (g.outputs + lanes - 1) / lanes
    filter = try pack("blocked winograd \(size) \(lanes)") { (space) throws(EngineError) in
      try BlockedFilter(g, winograd: size, lanes: lanes, source: source, space: space)
    }
    let places = (size + 2) * (size + 2)
    let lanesOfAll = (outputBlocks + 3) * lanes
    bias = try AlignedMemory(byteCount: lanesOfAll * 4)
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<lanesOfAll { biases[i] = i < g.outputs ? given?[i] ?? 0 : 0 }

    columns = (g.output[2] + size - 1) / size
    tiles = (g.output[1] + size - 1) / size * columns
    // Weights beyond the second-level cache come from further away once a group.
    let isHeavy = filter.byteCount > CacheSizes.level2 / 8 * 5
    let tileBytes = places * (inputBlocks + outputBlocks) * lanes * 4
    let room = (isHeavy ? CacheSizes.level2 : CacheSizes.level2 / 4) / tileBytes
    let most = isHeavy && tiles <= 56 ? tiles : max(isHeavy ? 28 : 14, room / 14 * 14)
    let isParallel = threads > 1 && g.outputCount * g.channels >= 65_536
    var count = (tiles + most - 1) / most
    if isParallel {
      let goal = (isHeavy ? threads : threads * 3) / g.batch
      count = max(count, min(goal, (tiles + 13) / 14))
    }
    group = (tiles + count - 1) / count
    groups = (tiles + group - 1) / group
    // 16 elements beyond a power of two keep the places of a tile out of one set of the cache.
    inStep = inputBlocks * group * lanes + 16
    outStep = outputBlocks * group * lanes + 16
    pieces = isParallel ? min(g.batch * groups, threads * 4) : 1
    pieceBytes = GemmPlan.aligned(places * (inStep + outStep) * 4)
    scratchBytes = pieces * pieceBytes
    let blocks = filter.groups[0].blocks
    let tile = BlockedConvPlan.columns(blocks, 1, isa, isNear: true)
    label = "conv winograd F(\(size)x\(size)) \(isa) \(tile)x\(blocks)"
  }

  /// Computes the convolution; `residual` is laid out as `y`.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * groups
    let inCount = inputBlocks * geometry.inputPixels * lanes
    let outCount = outputBlocks * geometry.outputPixels * lanes
    nonisolated(unsafe) let (x, residual, y, scratch) = (x, residual, y, scratch)
    pool.run(pieces) { piece in
      let work = (scratch + piece * pieceBytes).assumingMemoryBound(to: Float.self)
      for unit in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        let image = unit / groups
        compute(
          unit % groups * group, x + image * inCount, residual.map { $0 + image * outCount },
          y + image * outCount, work)
      }
    }
  }

  /// The group of tiles that begins with `first`.
  private func compute(
    _ first: Int, _ x: UnsafePointer<Float>, _ residual: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ inputs: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let count = min(group, tiles - first)
    let places = (size + 2) * (size + 2)
    let sums = inputs + places * inStep
    let (inPlane, outPlane) = (g.inputPixels * lanes, g.outputPixels * lanes)
    var k = dl_blocked_winograd(
      size: size, columns: columns, input: (g.input[1], g.input[2]),
      output: (g.output[1], g.output[2]), pad: (g.pads[1], g.pads[2]), in_step: inStep,
      out_step: outStep, form: finish.code, low: finish.low, high: finish.high, after: after,
      numbers: (Double(finish.low), Double(finish.high)))
    for block in 0..<inputBlocks {
      transform(&k, first, count, x + block * inPlane, inputs + block * group * lanes)
    }
    multiply(count, inputs, sums)
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    for block in 0..<outputBlocks {
      transformBack(
        &k, first, count, sums + block * group * lanes, biases + block * lanes,
        residual.map { $0 + block * outPlane }, y + block * outPlane)
    }
  }

  private func multiply(
    _ count: Int, _ inputs: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>
  ) {
    let step = group * lanes
    var c = dl_blocked_conv(
      in_blocks: inputBlocks, last_fours: filter.lastFours, block_step: step, taps: (1, 1),
      tap_step: (0, 0), row_step: 0, pixel_step: lanes, out_block: step, out_row: 0,
      tile_rows: 1, tile: 1, is_plain: 0, form: BlockedFinish.none.code, low: 0,
      high: 0, after: nil, numbers: (0, 0))
    let zeros = bias.bytes.assumingMemoryBound(to: Float.self) + outputBlocks * lanes
    for place in 0..<(size + 2) * (size + 2) {
      for group in filter.groups {
        c.tile = BlockedConvPlan.columns(group.blocks, 1, isa, isNear: true)
        let w = filter.weights + place * filter.step + group.offset
        let input = inputs + place * inStep
        let out = sums + place * outStep + group.first * step
        #if arch(x86_64)
          if isa == .avx512 {
            dl_blocked_conv_f32__avx512(&c, group.blocks, 1, count, input, w, zeros, nil, out)
          } else {
            dl_blocked_conv_f32__avx2(&c, group.blocks, 1, count, input, w, zeros, nil, out)
          }
        #endif
      }
    }
  }

  private func transform(
    _ k: inout dl_blocked_winograd, _ first: Int, _ count: Int, _ x: UnsafePointer<Float>,
    _ to: UnsafeMutablePointer<Float>
  ) {
    #if arch(x86_64)
      if isa == .avx512 {
        dl_blocked_winograd_input_f32__avx512(&k, first, count, x, to)
      } else {
        dl_blocked_winograd_input_f32__avx2(&k, first, count, x, to)
      }
    #endif
  }

  private func transformBack(
    _ k: inout dl_blocked_winograd, _ first: Int, _ count: Int, _ sums: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>, _ residual: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>
  ) {
    #if arch(x86_64)
      if isa == .avx512 {
        dl_blocked_winograd_output_f32__avx512(&k, first, count, sums, bias, residual, y)
      } else {
        dl_blocked_winograd_output_f32__avx2(&k, first, count, sums, bias, residual, y)
      }
    #endif
  }
}
