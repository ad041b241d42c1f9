import CKernels
import Tensors

/// A direct convolution on blocked images with everything settled but the memory.
///
/// The image falls into chunks of rows (of pixels, for 1x1 kernels) that stay in the second-level
/// cache while all output blocks pass over them. Where windows reach over an edge, a chunk is
/// copied between zeros first: one pass over the input, against hundreds of products an element.
/// Sums run over input blocks, taps and lanes in order; results do not depend on threads.
public struct BlockedConvPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  let geometry: ConvGeometry
  let lanes: Int
  let isPlain: Bool
  let isa: InstructionSet
  let finish: BlockedFinish
  let filter: BlockedFilter
  /// Bias of every lane, zeros where there is none.
  let bias: AlignedMemory
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
  let pieces: Int
  let pieceBytes: Int
  /// Rows of a tile of two blocks.
  let tileRows: Int
  let after: dl_unary_fn?

  /// Whether there is a kernel for the geometry: two spatial axes, groups that fit into blocks.
  public static func takes(_ g: ConvGeometry, lanes: Int, isPlain: Bool) -> Bool {
    g.input[0] == 1 && g.kernel[0] == 1 && g.output[0] == 1
      && BlockedFilter.fits(g, lanes: lanes, isPlain: isPlain)
  }

  /// - `weights`: `[groups * outputs, channels, taps]`; `bias`: an element an output, or nil.
  /// - `isPlain`: the input is planes.
  /// - `pack`: where packed weights are kept.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    _ g: ConvGeometry, lanes: Int, isPlain: Bool, finish: BlockedFinish,
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, threads: Int = 1,
    isa: InstructionSet = .current,
    pack: BlockedFilter.Packer = { (_, make) throws(EngineError) in try make(.fresh) }
  ) throws(EngineError) {
    precondition(Self.takes(g, lanes: lanes, isPlain: isPlain), "no blocked convolution")
    let isa = isa.blocked(lanes: lanes)
    (geometry, self.lanes, self.isPlain, self.isa, self.finish) = (g, lanes, isPlain, isa, finish)
    after = finish.function(isa)
    let (height, width) = (g.output[1], g.output[2])
    isFlat = height == 1 && g.taps == 1 && g.strides[2] == 1
    let isNear = g.strides[2] <= 2
    // Two rows at once where a row alone is too short for a tile of two blocks.
    tileRows = isa == .avx512 && !isPlain && !isFlat && width <= 7 && height > 1 && isNear ? 2 : 1
    let widest = isa == .scalar ? 1 : isPlain || !isNear ? 2 : 3
    let form = "blocked conv \(g.groups) \(lanes) \(isPlain) \(widest)"
    filter = try pack(form) { (space) throws(EngineError) in
      try BlockedFilter(
        g, lanes: lanes, isPlain: isPlain, widest: widest, source: weights, isa: isa,
        space: space)
    }

    outputBlocks = (g.groups * g.outputs + lanes - 1) / lanes
    let channels = g.groups * g.channels
    inputBlocks = isPlain ? channels : (channels + lanes - 1) / lanes
    self.bias = try AlignedMemory(byteCount: outputBlocks * lanes * 4)
    let padded = self.bias.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<outputBlocks * lanes { padded[i] = i < g.groups * g.outputs ? bias?[i] ?? 0 : 0 }

    let extent = [0, 1, 2].map { (g.kernel[$0] - 1) * g.dilations[$0] + 1 }
    isPadded = (1...2).contains {
      g.pads[$0] > 0 || (g.output[$0] - 1) * g.strides[$0] + extent[$0] > g.input[$0]
    }
    columns = (width - 1) * g.strides[2] + extent[2]
    let pixel = (isPlain ? 1 : lanes) * 4
    // Weights that do not fit the second-level cache are better read once than the image kept
    // there.
    let isHeavy = filter.byteCount > CacheSizes.level2 / 2
    let room = isHeavy ? CacheSizes.level2 / 8 * 5 : CacheSizes.level2 / 4
    let length = isFlat ? width : height
    let bytesEach = inputBlocks * pixel * (isFlat ? 1 : columns * g.strides[1])
    var wanted = max(1, (length * bytesEach + room - 1) / room)
    var parts = 1
    let isParallel = threads > 1 && g.outputCount * g.channels * g.taps >= 65_536
    if isParallel {
      let goal = threads * 4
      let least = isFlat ? 56 : 4
      while g.batch * wanted < goal && length / (wanted + 1) >= least { wanted += 1 }
      if g.batch * wanted < goal {
        parts = min(filter.groups.count, (goal + g.batch * wanted - 1) / (g.batch * wanted))
      }
    }
    chunk = max(1, (length + wanted - 1) / wanted)
    chunks = (length + chunk - 1) / chunk
    shares = parts
    let units = g.batch * chunks * shares
    pieces = isParallel ? min(units, threads * 4) : 1
    let rows = (min(chunk, height) - 1) * g.strides[1] + extent[1]
    pieceBytes = isPadded ? GemmPlan.aligned(inputBlocks * rows * columns * pixel) : 0
    scratchBytes = pieces * pieceBytes
    let blocks = filter.groups[0].blocks
    let columns = Self.columns(blocks, tileRows, isa, isNear: isNear)
    label =
      "conv \(isPlain ? "first" : isFlat ? "1x1" : "direct") \(isa) "
      + (tileRows == 2 && blocks == 2 ? "(2x\(columns))x2" : "\(columns)x\(blocks)")
  }

  /// The most columns of a tile of `blocks` blocks: what the registers hold.
  static func columns(
    _ blocks: Int, _ rows: Int, _ isa: InstructionSet, isNear: Bool
  ) -> Int {
    switch (isa, isNear) {
    case (.avx512, true): rows == 2 && blocks == 2 ? 7 : blocks == 3 ? 9 : 14
    case (.avx2, true): blocks == 1 ? 12 : blocks == 2 ? 6 : 4
    case (.avx512, false): 6
    default: 4
    }
  }

  /// Computes the convolution; `residual` is laid out as `y`.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * chunks * shares
    nonisolated(unsafe) let (x, residual, y, scratch) = (x, residual, y, scratch)
    pool.run(pieces) { piece in
      let copy = (scratch + piece * pieceBytes).assumingMemoryBound(to: Float.self)
      var held = -1
      for unit in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        let (share, place) = (unit % shares, unit / shares)
        let (part, image) = (place % chunks, place / chunks)
        let source = x + image * inputBlocks * geometry.inputPixels * (isPlain ? 1 : lanes)
        let first = part * chunk
        if isPadded && held != place {
          pad(source, copy, first)
          held = place
        }
        let at = image * outputBlocks * geometry.outputPixels * lanes
        compute(share, first, source, copy, residual.map { $0 + at }, y + at)
      }
    }
  }

  private func pad(
    _ x: UnsafePointer<Float>, _ copy: UnsafeMutablePointer<Float>, _ first: Int
  ) {
    let g = geometry
    let rows = min(chunk, g.output[1] - first)
    var p = dl_blocked_padding(
      blocks: inputBlocks, height: g.input[1], width: g.input[2], pixel: isPlain ? 1 : lanes,
      first: first * g.strides[1] - g.pads[1], rows: taken(rows), left: g.pads[2],
      padded: columns)
    dl_blocked_pad_f32(copy, x, &p)
  }

  /// Input rows under `rows` rows of the output.
  private func taken(_ rows: Int) -> Int {
    (rows - 1) * geometry.strides[1] + (geometry.kernel[1] - 1) * geometry.dilations[1] + 1
  }

  private func compute(
    _ share: Int, _ first: Int, _ x: UnsafePointer<Float>, _ copy: UnsafePointer<Float>,
    _ residual: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let pixel = isPlain ? 1 : lanes
    let count = min(chunk, (isFlat ? g.output[2] : g.output[1]) - first)
    let (rows, width) = isFlat ? (1, count) : (count, g.output[2])
    let row = isPadded ? columns * pixel : g.input[2] * pixel
    let block = isPadded ? taken(rows) * row : g.inputPixels * pixel
    var c = dl_blocked_conv(
      in_blocks: filter.inputBlocks, last_fours: filter.lastFours, block_step: block,
      taps: (g.kernel[1], g.kernel[2]),
      tap_step: (g.dilations[1] * row, g.dilations[2] * pixel),
      row_step: g.strides[1] * row, pixel_step: g.strides[2] * pixel,
      out_block: g.outputPixels * lanes, out_row: g.output[2] * lanes,
      tile_rows: 1, tile: 1, is_plain: isPlain ? 1 : 0, form: finish.code,
      low: finish.low, high: finish.high, after: after,
      numbers: (Double(finish.low), Double(finish.high)))
    let source =
      isPadded
      ? copy : x + first * (isFlat ? pixel : g.strides[1] * g.input[2] * pixel)
    let weights = filter.weights
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    let outAt = first * (isFlat ? lanes : g.output[2] * lanes)
    let list = filter.groups
    for i in (share * list.count / shares)..<((share + 1) * list.count / shares) {
      let group = list[i]
      c.tile_rows = group.blocks == 2 ? tileRows : 1
      c.tile = Self.columns(group.blocks, tileRows, isa, isNear: g.strides[2] <= 2)
      let at = group.first * g.outputPixels * lanes + outAt
      let (input, w) = (source + group.input * block, weights + group.offset)
      let (b, z) = (biases + group.first * lanes, residual.map { $0 + at })
      switch isa {
      #if arch(x86_64)
        case .avx512:
          dl_blocked_conv_f32__avx512(&c, group.blocks, rows, width, input, w, b, z, y + at)
        case .avx2:
          dl_blocked_conv_f32__avx2(&c, group.blocks, rows, width, input, w, b, z, y + at)
      #endif
      default:
        dl_blocked_conv_f32__scalar(
          &c, group.blocks, rows, width, input, w, b, z, y + at, lanes)
      }
      let valid = g.groups * g.outputs - (group.first + group.blocks - 1) * lanes
      if valid < lanes && !finish.keepsZero {
        dl_blocked_clear_lanes_f32(
          y + at + (group.blocks - 1) * g.outputPixels * lanes, rows * width, valid, lanes)
      }
    }
  }
}
