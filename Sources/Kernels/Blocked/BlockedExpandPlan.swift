import CKernels
import Tensors

/// A 1x1 convolution and a depthwise convolution of its result on blocked images, by sections of
/// channels where these fit the second-level cache with all of their rows, else by bands of rows.
///
/// The rows that a band of the result needs are computed into a buffer of the second-level cache,
/// where the depthwise kernel reads them; rows that the next band needs again stay there. So the
/// tensor between, often six times as large as what comes in, never takes its way through memory.
/// Each number is computed as by the two plans one after the other, with the same bits.
public struct BlockedExpandPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  let batch: Int
  let lanes: Int
  let isa: InstructionSet
  let axes: BlockedWindow.Axes
  let finish: BlockedFinish
  let after: dl_unary_fn?
  let filter: BlockedFilter
  let bias: BlockedConstants
  let inputBlocks: Int
  let middleBlocks: Int
  let window: BlockedWindow
  /// Rows of the result in a band, and of the tensor between under it.
  let band: Int
  let bandRows: Int
  /// Parts of an image's rows, and of its channels, that threads take.
  let parts: Int
  let sections: Int
  let slots: Int
  let slotBytes: Int

  /// Bytes of the tensor between for one image, and whether bands pay: where it does not stay in
  /// the second-level cache.
  public static func pays(middle channels: Int, height: Int, width: Int, lanes: Int) -> Bool {
    let (count, overflow) = ((channels + lanes - 1) / lanes * lanes * 4)
      .multipliedReportingOverflow(by: max(1, height) * max(1, width))
    return overflow || count > CacheSizes.level2 / 2
  }

  /// - `axes`: of the depthwise convolution; its input has the size of X.
  /// - `weights`: `[middle, channels]`, `bias`: an element each or nil; `depthWeights`:
  ///   `[middle, taps]`, `depthBias`.
  /// - `finish`, `depthFinish`: what follows each.
  /// - `pack`, `depthPack`: where packed constants of each are kept.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    _ axes: BlockedWindow.Axes, batch: Int, channels: Int, middle: Int, lanes: Int,
    finish: BlockedFinish, depthFinish: BlockedFinish, weights: UnsafePointer<Float>,
    bias given: UnsafePointer<Float>?, depthWeights: UnsafePointer<Float>,
    depthBias: UnsafePointer<Float>?, threads: Int = 1, isa: InstructionSet = .current,
    pack: BlockedPacker = .none, depthPack: BlockedPacker = .none
  ) throws(EngineError) {
    let isa = isa.blocked(lanes: lanes)
    (self.axes, self.batch, self.lanes, self.isa, self.finish) = (axes, batch, lanes, isa, finish)
    after = finish.function(isa)
    let pixels = axes.input[0] * axes.input[1]
    let g = ConvGeometry(
      batch: batch, groups: 1, channels: channels, outputs: middle, input: [pixels],
      output: [pixels], kernel: [1], strides: [1], dilations: [1], pads: [0])
    let widest = isa == .scalar ? 1 : 3
    let form = "blocked conv  1 \(lanes) false \(widest)"
    filter = try pack.filter(form) { (space) throws(EngineError) in
      try BlockedFilter(
        g, lanes: lanes, isPlain: false, widest: widest, source: weights, isa: isa, space: space)
    }
    inputBlocks = (channels + lanes - 1) / lanes
    middleBlocks = (middle + lanes - 1) / lanes
    bias = try pack.padded(given, count: middle, total: middleBlocks * lanes)
    window = try BlockedWindow(
      depthwise: axes, batch: batch, channels: middle, lanes: lanes, finish: depthFinish,
      weights: depthWeights, bias: depthBias, threads: threads, isa: isa,
      pack: depthPack)

    let stride = axes.strides[0]
    let reach = (axes.kernel[0] - 1) * axes.dilations[0] + 1
    let room = CacheSizes.level2 / 3
    let isParallel = threads > 1 && batch * pixels * middle >= 65_536
    let units = isParallel ? (threads * 2 + batch - 1) / batch : 1
    let fitting = room / (pixels * lanes * 4)
    let groups = filter.groups.count
    if fitting >= 2 * widest, groups >= 2 * units {
      let least = (middleBlocks + fitting - 1) / fitting
      sections = min(groups, (least + units - 1) / units * units)
      parts = 1
      (band, bandRows) = (axes.output[0], axes.input[0])
      label = "conv 1x1 + depthwise by \(sections) sections \(isa)"
    } else {
      sections = 1
      let row = middleBlocks * axes.input[1] * lanes * 4
      // As many rows as the room holds, but enough pixels for a panel of weights.
      let rows = max(room / row, (112 + axes.input[1] - 1) / axes.input[1])
      band = min(axes.output[0], max(1, (rows - reach) / stride + 1))
      bandRows = min(axes.input[0], (band - 1) * stride + reach)
      // Each part computes rows of its own for its first windows.
      let most = max(1, axes.output[0] / max(4, band))
      parts = isParallel ? min(most, units) : 1
      label = "conv 1x1 + depthwise by \(band) rows \(isa)"
    }
    slots = isParallel ? min(threads, batch * parts * sections) : 1
    let (filter, sections) = (filter, sections)
    let largest = (0..<sections).map { Self.blocks(filter, $0, of: sections).count }.max() ?? 0
    slotBytes = GemmPlan.aligned(largest * bandRows * axes.input[1] * lanes * 4)
    scratchBytes = slots * slotBytes
  }

  /// Computes both; `x` and `y` are blocked images.
  public func run(
    x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y, scratch) = (x, y, scratch)
    let height = axes.output[0]
    pool.run(batch * parts * sections, slots: slots) { unit, slot in
      let buffer = (scratch + slot * slotBytes).assumingMemoryBound(to: Float.self)
      let (section, part) = (unit % sections, unit / sections % parts)
      let image = unit / (sections * parts)
      let from = x + image * inputBlocks * axes.input[0] * axes.input[1] * lanes
      let to = y + image * middleBlocks * height * axes.output[1] * lanes
      rows(section, part * height / parts, (part + 1) * height / parts, from, to, buffer)
    }
  }

  /// The groups of filters of a section of the channels.
  private static func groups(_ count: Int, _ section: Int, of sections: Int) -> Range<Int> {
    section * count / sections..<(section + 1) * count / sections
  }

  /// The blocks of channels of a section.
  private static func blocks(
    _ filter: BlockedFilter, _ section: Int, of sections: Int
  ) -> Range<Int> {
    let groups = filter.groups[groups(filter.groups.count, section, of: sections)]
    guard let first = groups.first, let last = groups.last else { return 0..<0 }
    return first.first..<last.first + last.blocks
  }

  /// Rows `first..<end` of a section of one image's result.
  private func rows(
    _ section: Int, _ first: Int, _ end: Int, _ x: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ buffer: UnsafeMutablePointer<Float>
  ) {
    let row = axes.input[1] * lanes
    let plane = bandRows * row
    let blocks = Self.blocks(filter, section, of: sections)
    var d = window.window
    // Rows of the tensor between that the buffer holds.
    var held = 0..<0
    for start in Swift.stride(from: first, to: end, by: band) {
      let count = min(band, end - start)
      let top = start * axes.strides[0] - axes.pads[0]
      let reach = (count - 1) * axes.strides[0] + (axes.kernel[0] - 1) * axes.dilations[0] + 1
      let low = min(axes.input[0], max(0, top))
      let high = max(low, min(axes.input[0], top + reach))
      let kept = max(0, min(high, held.upperBound) - max(low, held.lowerBound))
      if kept > 0 && low > held.lowerBound {
        for block in 0..<blocks.count {
          let to = buffer + block * plane
          let from = to + (low - held.lowerBound) * row
          to.update(from: from, count: kept * row)
        }
      }
      expand(section, low + kept, high, x, buffer + kept * row, plane)
      held = low..<high
      d.input = (high - low, axes.input[1])
      d.output = (count, axes.output[1])
      d.pad = (low - top, axes.pads[1])
      for block in blocks {
        window.runPlane(
          &d, block, 0, count, buffer + (block - blocks.lowerBound) * plane, nil,
          y + (block * axes.output[0] + start) * axes.output[1] * lanes)
      }
    }
  }

  /// Rows `first..<end` of a section of the tensor between.
  private func expand(
    _ section: Int, _ first: Int, _ end: Int, _ x: UnsafePointer<Float>,
    _ to: UnsafeMutablePointer<Float>, _ plane: Int
  ) {
    if first >= end { return }
    let width = axes.input[1]
    var c = dl_blocked_conv(
      in_blocks: inputBlocks, last_fours: 0, block_step: axes.input[0] * width * lanes,
      taps: (1, 1), tap_step: (0, 0), row_step: 0, pixel_step: lanes, out_block: plane,
      out_row: 0, out_pixel: lanes, tile_rows: 1, tile: 1, is_plain: 0, is_half: 0,
      form: finish.code, low: finish.low, high: finish.high, after: after,
      numbers: (Double(finish.low), Double(finish.high)), next: nil, next_bytes: 0)
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    let from = x + first * width * lanes
    let pixels = (end - first) * width
    let skipped = Self.blocks(filter, section, of: sections).lowerBound
    for group in filter.groups[Self.groups(filter.groups.count, section, of: sections)] {
      c.last_fours = group.lastFours
      c.tile = BlockedConvPlan.columns(group.blocks, 1, isa, isNear: true)
      BlockedConvPlan.halve(&c, group, isa, isNear: true)
      let (w, b) = (filter.weights + group.offset, biases + group.first * lanes)
      let out = to + (group.first - skipped) * plane
      switch isa {
      #if arch(x86_64)
        case .avx512:
          dl_blocked_conv_f32__avx512(&c, group.blocks, 1, pixels, from, w, b, nil, out)
        case .avx2: dl_blocked_conv_f32__avx2(&c, group.blocks, 1, pixels, from, w, b, nil, out)
      #endif
      default:
        dl_blocked_conv_f32__scalar(&c, group.blocks, 1, pixels, from, w, b, nil, out, lanes)
      }
    }
  }
}
