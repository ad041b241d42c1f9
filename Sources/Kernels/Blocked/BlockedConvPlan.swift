import CKernels
import Tensors

/// A direct convolution on blocked images with everything settled but the memory.
///
/// The image falls into chunks of rows (of pixels, where it has one row) that stay in the second-level
/// cache while all output blocks pass over them. Where windows reach over an edge, a chunk is
/// copied between zeros first: one pass over the input, against hundreds of products an element.
/// Taps that meet nothing but padding are left out.
/// Sums run over input blocks, taps and lanes in order; results do not depend on threads.
public struct BlockedConvPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  /// Sizes and steps of the convolution.
  public let geometry: ConvGeometry
  /// Channels that lie side by side.
  public let lanes: Int
  let isPlain: Bool
  let isa: InstructionSet
  /// What becomes of each sum.
  public let finish: BlockedFinish
  let filter: BlockedFilter
  /// Bias of every lane, zeros where there is none.
  let bias: BlockedConstants
  let outputBlocks: Int
  /// Blocks (planes) of the input image.
  let inputBlocks: Int
  let isPadded: Bool
  /// Columns of a padded row.
  let columns: Int
  /// Rows, or pixels where `isFlat`, of a chunk.
  let chunk: Int
  let chunks: Int
  let isFlat: Bool
  /// Parts that the filter's groups of output blocks fall into, for threads.
  let shares: Int
  /// Copies of chunks that are made at the same time, and bytes of one.
  let slots: Int
  let slotBytes: Int
  let isScaled: Bool
  let view: View
  /// A third axis; nil for images.
  let depth: BlockedDepth?
  /// Rows of a tile of two blocks.
  let tileRows: Int
  let after: dl_unary_fn?

  /// Where outputs lie among those of a larger image, in pixels: the first one, neighbouring rows
  /// and pixels, and blocks.
  public struct View: Hashable, Sendable {
    public let first: Int
    public let row: Int
    public let pixel: Int
    public let plane: Int
    public init(first: Int, row: Int, pixel: Int, plane: Int) {
      (self.first, self.row, self.pixel, self.plane) = (first, row, pixel, plane)
    }
  }

  /// Whether there is a kernel for the geometry: two spatial axes, no groups of planes.
  public static func takes(_ g: ConvGeometry, isPlain: Bool) -> Bool {
    g.input[0] == 1 && g.kernel[0] == 1 && g.output[0] == 1 && (g.groups == 1 || !isPlain)
  }

  /// - `weights`: `[groups * outputs, channels, taps]`; `bias`: an element an output, or nil.
  /// - `isPlain`: the input is planes.
  /// - `isScaled`: `run` takes a factor for each input channel of each image; only of blocks.
  /// - `view`: where outputs lie, else side by side. With it no residual, and lanes beyond the last
  ///   channel hold what the function makes of 0.
  /// - `pack`: where packed weights are kept; `variant` tells apart what was made of the same
  ///   weights before.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    _ whole: ConvGeometry, lanes: Int, isPlain: Bool, finish: BlockedFinish,
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, isScaled: Bool = false,
    view: View? = nil, threads: Int = 1, isa: InstructionSet = .current,
    variant: String = "",
    pack: BlockedPacker = .none
  ) throws(EngineError) {
    precondition(Self.takes(whole, isPlain: isPlain), "no blocked convolution")
    let isa = isa.blocked(lanes: lanes)
    let trimmed = view == nil ? whole.trimmed : nil
    let g = trimmed?.geometry ?? whole
    // Wider tiles of small groups would meet more zeros.
    let isSmall = g.groups > 1 && g.outputs <= lanes
    let widest = isa == .scalar || isSmall ? 1 : isPlain || g.strides[2] > 2 ? 2 : 3
    var form = "blocked conv \(variant) \(g.groups) \(lanes) \(isPlain) \(widest)"
    if let taps = trimmed?.taps { form += " taps \(taps.first) \(taps.count)" }
    let filter = try pack.filter(form) { (space) throws(EngineError) in
      let kept = trimmed.map { whole.weights($0.taps, of: weights) }
      let make = { (source: UnsafePointer<Float>) throws(EngineError) in
        try BlockedFilter(
          g, lanes: lanes, isPlain: isPlain, widest: widest, source: source, isa: isa,
          space: space)
      }
      guard let kept else { return try make(weights) }
      let copy = UnsafeMutablePointer<Float>.allocate(capacity: max(1, kept.count))
      defer { copy.deallocate() }
      copy.initialize(from: kept, count: kept.count)
      return try make(copy)
    }
    let total = (g.groups * g.outputs + lanes - 1) / lanes * lanes
    self.init(
      g, lanes: lanes, isPlain: isPlain, isScaled: isScaled, finish: finish, filter: filter,
      bias: try pack.padded(bias, count: g.groups * g.outputs, total: total), view: view, isa: isa,
      threads: threads, like: nil)
  }

  /// Of volumes, whose planes are the batch of `g` and whose channels are those of all taps along
  /// the depth.
  init(
    _ g: ConvGeometry, depth: BlockedDepth, lanes: Int, isPlain: Bool, finish: BlockedFinish,
    filter: BlockedFilter, bias: BlockedConstants, threads: Int, isa: InstructionSet
  ) {
    self.init(
      g, lanes: lanes, isPlain: isPlain, isScaled: false, finish: finish, filter: filter,
      bias: bias, view: nil, isa: isa, threads: threads, like: nil, depth: depth)
  }

  /// The same convolution of an image of another size, side by side; `g` may differ from the
  /// geometry in the batch and the sizes of images alone, and neither has idle taps.
  public func resized(_ g: ConvGeometry, threads: Int) -> BlockedConvPlan {
    BlockedConvPlan(
      g, lanes: lanes, isPlain: isPlain, isScaled: isScaled, finish: finish, filter: filter,
      bias: bias, view: nil, isa: isa, threads: threads, like: self)
  }

  private init(
    _ g: ConvGeometry, lanes: Int, isPlain: Bool, isScaled: Bool, finish: BlockedFinish,
    filter: BlockedFilter, bias: BlockedConstants, view: View?, isa: InstructionSet, threads: Int,
    like other: BlockedConvPlan?, depth: BlockedDepth? = nil
  ) {
    (geometry, self.lanes, self.isPlain, self.isa, self.finish) = (g, lanes, isPlain, isa, finish)
    (self.filter, self.bias, self.depth) = (filter, bias, depth)
    after = other.map { $0.after } ?? finish.function(isa)
    let (height, width) = (g.output[1], g.output[2])
    self.isScaled = isScaled
    self.view = view ?? View(first: 0, row: width, pixel: 1, plane: g.outputPixels)
    isFlat = height == 1 && g.input[1] == 1 && g.kernel[1] == 1 && g.pads[1] == 0
    let isNear = g.strides[2] <= 2
    // Two rows at once where a row alone is too short for a tile of two blocks.
    let isPaired = width <= 7 && height > 1 && isNear && !isPlain && !isFlat && view == nil
    tileRows = isa == .avx512 && isPaired ? 2 : 1

    outputBlocks = (g.groups * g.outputs + lanes - 1) / lanes
    let channels = g.groups * g.channels
    inputBlocks = isPlain ? channels : (channels + lanes - 1) / lanes

    func extent(_ i: Int) -> Int { (g.kernel[i] - 1) * g.dilations[i] + 1 }
    isPadded = (1...2).contains {
      g.pads[$0] > 0 || (g.output[$0] - 1) * g.strides[$0] + extent($0) > g.input[$0]
    }
    columns = (width - 1) * g.strides[2] + extent(2)
    let pixel = (isPlain ? 1 : lanes) * 4
    // Weights that do not fit the second-level cache are better read once than the image kept
    // there.
    let isHeavy = filter.byteCount > CacheSizes.level2 / 2
    let room = isHeavy ? CacheSizes.level2 / 8 * 5 : CacheSizes.level2 / 4
    let length = isFlat ? width : height
    let bytesEach = inputBlocks * pixel * (isFlat ? g.strides[2] : columns * g.strides[1])
    let tile = Self.columns(filter.groups[0].blocks, tileRows, isa, isNear: isNear || isPlain)
    let shortest = isHeavy ? 56 : 24
    let sizes = BlockedSplit.Sizes(
      length: length, images: g.batch,
      leastChunks: max(1, (length * bytesEach + room - 1) / room),
      shortest: isFlat ? shortest : max(2, (shortest + width - 1) / width),
      groups: filter.groups.count,
      tile: isFlat ? tile : tileRows, overhead: isFlat ? 1 : 0,
      preparation: isScaled ? 0.06 : isPadded ? 0.02 : 0)
    let isParallel = threads > 1 && g.outputCount * g.channels * g.taps >= 65_536
    let split = isParallel ? BlockedSplit(sizes, threads: threads) : BlockedSplit(sizes)
    (chunk, chunks, shares) = (split.chunk, split.chunks, split.shares)
    let rows = (min(chunk, height) - 1) * g.strides[1] + extent(1)
    let copied =
      isFlat ? (min(chunk, width) - 1) * g.strides[2] + extent(2) : rows * columns
    slotBytes = isPadded || isScaled ? GemmPlan.aligned(inputBlocks * copied * pixel) : 0
    slots = isParallel ? min(g.batch * chunks * shares, threads) : 1
    // A line says which chunk a slot holds.
    scratchBytes = slots * (64 + slotBytes)
    if let other, other.isFlat == isFlat, other.tileRows == tileRows {
      label = other.label
      return
    }
    let blocks = filter.groups[0].blocks
    let columns = Self.columns(blocks, tileRows, isa, isNear: isNear || isPlain)
    label =
      "conv \(isPlain ? "first" : isFlat && g.taps == 1 ? "1x1" : "direct") \(isa) "
      + (tileRows == 2 && blocks == 2 ? "(2x\(columns))x2" : "\(columns)x\(blocks)")
  }

  /// Computes the convolution; `residual` is laid out as `y` and may be `y`. `factors`, where the
  /// plan is scaled: `[batch, input blocks, lanes]`.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>?, factors: UnsafePointer<Float>? = nil,
    y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * chunks * shares
    nonisolated(unsafe) let (x, residual, factors, y, scratch) = (x, residual, factors, y, scratch)
    for slot in 0..<slots { (scratch + slot * (64 + slotBytes)).storeBytes(of: -1, as: Int.self) }
    pool.run(units, slots: slots) { unit, slot in
      let memory = scratch + slot * (64 + slotBytes)
      let copy = (memory + 64).assumingMemoryBound(to: Float.self)
      let (share, place) = (unit % shares, unit / shares)
      let (part, image) = (place % chunks, place / chunks)
      let met = depth?.met(by: image, blocks: inputBlocks)
      let from = met?.first ?? image * inputBlocks
      let source = x + from * geometry.inputPixels * (isPlain ? 1 : lanes)
      let first = part * chunk
      if slotBytes > 0 && memory.load(as: Int.self) != place {
        prepare(
          source, copy, first, blocks: met?.blocks ?? inputBlocks,
          factors.map { $0 + image * inputBlocks * lanes })
        memory.storeBytes(of: place, as: Int.self)
      }
      let at = image * outputBlocks * view.plane * lanes
      compute(share, first, source, copy, met, residual.map { $0 + at }, y + at)
    }
  }

  /// Copies a chunk between zeros, times its factors.
  private func prepare(
    _ x: UnsafePointer<Float>, _ copy: UnsafeMutablePointer<Float>, _ first: Int, blocks: Int,
    _ factors: UnsafePointer<Float>?
  ) {
    let g = geometry
    let pixel = isPlain ? 1 : lanes
    if isFlat, !isPadded {
      guard let factors else { return }
      let count = width(of: min(chunk, g.output[2] - first))
      scale(copy, count, x + first * g.strides[2] * pixel, g.inputPixels, factors, count)
      return
    }
    pad(x, copy, first, blocks)
    let count =
      isFlat
      ? width(of: min(chunk, g.output[2] - first))
      : taken(min(chunk, g.output[1] - first)) * columns
    if let factors { scale(copy, count, copy, count, factors, count) }
  }

  /// `pixels` of each block times the factors; steps between blocks in pixels.
  private func scale(
    _ to: UnsafeMutablePointer<Float>, _ step: Int, _ from: UnsafePointer<Float>, _ fromStep: Int,
    _ factors: UnsafePointer<Float>, _ pixels: Int
  ) {
    let (a, b, n) = (step * lanes, fromStep * lanes, inputBlocks)
    switch isa {
    #if arch(x86_64)
      case .avx512: dl_blocked_scale_f32__avx512(to, a, from, b, factors, n, pixels)
      case .avx2: dl_blocked_scale_f32__avx2(to, a, from, b, factors, n, pixels)
    #endif
    default: dl_blocked_scale_f32__scalar(to, a, from, b, factors, n, pixels, lanes)
    }
  }

  private func pad(
    _ x: UnsafePointer<Float>, _ copy: UnsafeMutablePointer<Float>, _ first: Int, _ blocks: Int
  ) {
    let g = geometry
    var p = dl_blocked_padding(
      blocks: blocks, height: g.input[1], width: g.input[2], pixel: isPlain ? 1 : lanes,
      first: 0, rows: 1, left: g.pads[2], padded: columns)
    if isFlat {
      p.left -= first * g.strides[2]
      p.padded = width(of: min(chunk, g.output[2] - first))
    } else {
      p.first = first * g.strides[1] - g.pads[1]
      p.rows = taken(min(chunk, g.output[1] - first))
    }
    dl_blocked_pad_f32(copy, x, &p)
  }

  /// Input rows under `rows` rows of the output.
  private func taken(_ rows: Int) -> Int {
    (rows - 1) * geometry.strides[1] + (geometry.kernel[1] - 1) * geometry.dilations[1] + 1
  }

  /// Input columns under `count` outputs of a row.
  private func width(of count: Int) -> Int {
    (count - 1) * geometry.strides[2] + (geometry.kernel[2] - 1) * geometry.dilations[2] + 1
  }

  /// Whether the input of the next chunk is brought closer in turn: of 1x1 convolutions whose
  /// weights stay near once the first chunk has read them.
  private var readsAhead: Bool {
    isFlat && geometry.taps == 1 && geometry.strides[2] == 1 && !isPlain && slotBytes == 0
      && depth == nil && view.pixel == 1 && filter.byteCount <= CacheSizes.level2 / 2
  }

  private func sum(
    _ c: inout dl_blocked_conv, _ blocks: Int, _ rows: Int, _ width: Int,
    _ input: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ residual: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>
  ) {
    switch isa {
    #if arch(x86_64)
      case .avx512:
        dl_blocked_conv_f32__avx512(&c, blocks, rows, width, input, w, bias, residual, y)
      case .avx2: dl_blocked_conv_f32__avx2(&c, blocks, rows, width, input, w, bias, residual, y)
    #endif
    default:
      dl_blocked_conv_f32__scalar(&c, blocks, rows, width, input, w, bias, residual, y, lanes)
    }
  }

  private func compute(
    _ share: Int, _ first: Int, _ x: UnsafePointer<Float>, _ copy: UnsafePointer<Float>,
    _ met: BlockedDepth.Met?, _ residual: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let pixel = isPlain ? 1 : lanes
    let count = min(chunk, (isFlat ? g.output[2] : g.output[1]) - first)
    let (rows, width) = isFlat ? (1, count) : (count, g.output[2])
    let isCopied = slotBytes > 0
    let row = isCopied ? columns * pixel : g.input[2] * pixel
    let block =
      isCopied
      ? (isFlat ? self.width(of: count) * pixel : taken(rows) * row) : g.inputPixels * pixel
    var c = dl_blocked_conv(
      in_blocks: 0, last_fours: 0, block_step: block,
      taps: (g.kernel[1], g.kernel[2]),
      tap_step: (g.dilations[1] * row, g.dilations[2] * pixel),
      row_step: g.strides[1] * row, pixel_step: g.strides[2] * pixel,
      out_block: view.plane * lanes, out_row: view.row * lanes, out_pixel: view.pixel * lanes,
      tile_rows: 1, tile: 1, is_plain: isPlain ? 1 : 0, is_half: 0, form: finish.code,
      low: finish.low, high: finish.high, after: after,
      numbers: (Double(finish.low), Double(finish.high)), next: nil, next_bytes: 0)
    let source =
      isCopied
      ? copy : x + first * (isFlat ? g.strides[2] : g.strides[1] * g.input[2]) * pixel
    let weights = filter.weights
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    let outAt = (view.first + first * (isFlat ? view.pixel : view.row)) * lanes
    let list = filter.groups
    let part = (share * list.count / shares)..<((share + 1) * list.count / shares)
    let isFollowed = readsAhead && first > 0 && first + chunk < g.output[2]
    let following = isFollowed ? x + (first + chunk) * lanes : nil
    for i in part {
      let group = list[i]
      (c.in_blocks, c.last_fours) = (group.inputBlocks, group.lastFours)
      c.tile_rows = group.blocks == 2 ? tileRows : 1
      c.tile =
        g.outputPixels == 1 && !isPlain
        ? 1 : Self.columns(group.blocks, tileRows, isa, isNear: g.strides[2] <= 2 || isPlain)
      Self.halve(&c, group, isa, isNear: g.strides[2] == 1 && !isPlain)
      var w = weights + group.offset
      if let met {
        c.in_blocks = met.blocks
        w += met.skipped * (isPlain ? 1 : lanes) * g.taps * group.blocks * lanes
      }
      let at = group.first * view.plane * lanes + outAt
      let input = source + group.input * block
      let (b, z) = (biases + group.first * lanes, residual.map { $0 + at })
      c.next = i + 1 < list.count ? UnsafeRawPointer(weights + list[i + 1].offset) : nil
      c.next_bytes = i + 1 < list.count ? (list[i + 1].offset - group.offset) * 4 : 0
      if let following {
        // Pieces of the row, each fetching its blocks of the next chunk.
        let each = (inputBlocks + part.count - 1) / part.count
        let piece = max(2, ((width + each - 1) / each + c.tile - 1) / c.tile) * c.tile
        var fetched = (i - part.lowerBound) * each
        for start in stride(from: 0, to: width, by: piece) {
          c.next = fetched < inputBlocks ? UnsafeRawPointer(following + fetched * block) : nil
          c.next_bytes = min(chunk, g.output[2] - first - chunk) * lanes * 4
          fetched += 1
          let from = start * lanes
          sum(
            &c, group.blocks, 1, min(piece, width - start), input + from, w, b, z.map { $0 + from },
            y + at + from)
        }
      } else {
        sum(&c, group.blocks, rows, width, input, w, b, z, y + at)
      }
      let valid = g.groups * g.outputs - (group.first + group.blocks - 1) * lanes
      if valid < lanes && !finish.keepsZero && view.pixel == 1 {
        dl_blocked_clear_lanes_f32(
          y + at + (group.blocks - 1) * view.plane * lanes, rows * width, valid, lanes)
      }
    }
  }
}
