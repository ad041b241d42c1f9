import CKernels
import Tensors

/// A convolution of bytes with everything settled but the memory.
///
/// Outputs, counted over all images, fall into chunks whose input stays in the second-level cache
/// while all panels of output channels pass over them, tile by tile. A tile reads its input through
/// a list of addresses, one for each tap and output, so that nothing is copied; taps outside of the
/// image lie in a border of zero points. Sums are exact: results do not depend on threads or on the
/// instruction set.
public struct ByteConvPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  let panels: BytePanels
  let filter: ByteFilter
  let finish: ByteFinish
  /// For each panel what sums start from, scales, what takes the start's excess off again, and
  /// offsets where there are some, by lane.
  let constants: AlignedMemory
  let hasOffsets: Bool
  let isSmall: Bool
  let isWide: Bool
  let border: AlignedMemory
  let xZero: Int
  let outStep: Int
  let outputs: Int
  /// Outputs that are not divided among chunks: those of a tile, or of a row.
  let unit: Int
  let chunks: Int
  let shares: Int
  let pieces: Int
  let slots: Int
  let tableBytes: Int
  /// Bytes of a row, and columns, of the copy whose taps of a row are one.
  let copyColumns: Int

  /// - `sums`: of each output's weights, then of its positive ones; `scales`: what a product stands
  ///   for; `bias`: added to sums; `offsets`: added to what they stand for. An element an output.
  /// - `xZero`: the byte that stands for 0 in the input.
  ///
  /// Errors: `.budget` when the system has no memory for constants.
  public init(
    _ panels: BytePanels, filter: ByteFilter, sums: UnsafePointer<Int32>, scales: [Float],
    bias: [Int32]? = nil, offsets: [Float]? = nil, xZero: Int, finish: ByteFinish, threads: Int = 1
  ) throws(EngineError) {
    let g = panels.geometry
    (self.panels, self.filter, self.finish, self.xZero) = (panels, filter, finish, xZero)
    let channels = g.groups * g.outputs
    precondition(scales.count == channels, "\(scales.count) scales for \(channels) outputs")
    outStep = BytePanels.step(channels)
    outputs = g.batch * g.outputPixels
    hasOffsets = offsets != nil
    let count = panels.constantCount
    constants = try AlignedMemory(byteCount: count * 16)
    constants.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: count * 16)
    let start = constants.bytes.assumingMemoryBound(to: Int32.self)
    let scale = (constants.bytes + count * 4).assumingMemoryBound(to: Float.self)
    let base = (constants.bytes + count * 8).assumingMemoryBound(to: Float.self)
    let offset = (constants.bytes + count * 12).assumingMemoryBound(to: Float.self)
    isSmall = (0..<channels).allSatisfy { m in
      guard scales[m] / finish.divisor < 0x1p60 else { return false }
      let (all, positive) = (Int(sums[m]), Int(sums[channels + m]))
      let first = Int(bias?[m] ?? 0) - xZero * all
      return first + 255 * (all - positive) > -1 << 22 && first + 255 * positive < 1 << 22
    }
    for p in panels.panels {
      for column in 0..<p.columns {
        let (m, at) = (p.first + column, p.constants + BytePanels.lane(column, p))
        start[at] = (bias?[m] ?? 0) &- Int32(xZero) &* sums[m] &+ (isSmall ? DL_BYTE_MAGIC : 0)
        let each = scales[m] / finish.divisor
        // Two bits less change nothing that its own rounding did not, and leave room for `base`.
        scale[at] = isSmall ? Float(bitPattern: (each.bitPattern &+ 2) & ~3) : each
        base[at] = -12_582_912 * scale[at]
        offset[at] = (offsets?[m] ?? 0) / finish.divisor
      }
    }
    isWide = finish.isWide(
      factor: (0..<count).reduce(0) { max($0, abs(scale[$1])) },
      offset: (0..<count).reduce(0) { max($0, abs(offset[$1])) })
    let longest = panels.isDepthwise ? 64 : (panels.panels.map(\.fours).max() ?? 0) * 4
    border = try AlignedMemory(byteCount: longest)
    border.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(xZero), count: longest)
    copyColumns =
      panels.isMerged
      ? max((g.output[2] - 1) * g.strides[2] + g.kernel[2], g.pads[2] + g.input[2]) : 0

    // Weights that do not fit the second-level cache are better read once than the image kept
    // there.
    let isHeavy = filter.memory.byteCount > CacheSizes.level2 / 2
    let room = isHeavy ? CacheSizes.level2 / 8 * 5 : CacheSizes.level2 / 4
    let bytesEach = max(1, panels.step * g.strides[1] * g.strides[2])
    let isParallel = threads > 1 && channels * outputs * g.channels * g.taps >= 131_072
    let length = max(48, room / bytesEach)
    // Windows of channels slide along whole rows.
    let unit =
      panels.isDepthwise
      ? max(1, g.output[2]) : (panels.panels.first?.vectors ?? 4) > 3 ? 6 : 8
    let tiles = (outputs + unit - 1) / unit
    var (pixels, parts) = (max(1, min(tiles, (outputs + length - 1) / length)), 1)
    if isParallel {
      // Threads that share out panels read each weight once, those that share out outputs find
      // more of the image in their own cache.
      let goal = threads * 4
      let most = max(1, min(tiles, outputs / 24))
      if isHeavy { parts = min(panels.panels.count, goal) }
      pixels = max(pixels, min(most, (goal + parts - 1) / parts))
      if pixels > threads, pixels % threads != 0 {
        pixels = min(tiles, (pixels + threads - 1) / threads * threads)
      }
      if pixels * parts < goal { parts = min(panels.panels.count, (goal + pixels - 1) / pixels) }
    }
    (self.unit, chunks, shares) = (unit, pixels, parts)
    pieces = isParallel ? min(chunks * shares, threads * 4) : 1
    slots = min(pieces, threads)
    tableBytes = GemmPlan.aligned((panels.isMerged ? g.kernel[1] : g.taps) * 64)
    // The last tap may be read with up to three bytes behind it.
    let copyBytes = g.batch * g.input[1] * copyColumns * panels.tapStep + 3
    scratchBytes = slots * tableBytes + copyBytes
    let kind = panels.isDepthwise ? "depthwise" : panels.isMerged ? "first" : "direct"
    let p = panels.panels.first
    label =
      "byte conv \(kind) \(panels.isa) "
      + (panels.isDepthwise ? "\(4 * (p?.lanes ?? 0))" : "6x\((p?.vectors ?? 0) * (p?.lanes ?? 0))")
  }

  /// Computes the convolution of `[batch, height, width, channels in fours]`; `residual` is laid out
  /// as `y` and may be `y`.
  public func run(
    x: UnsafePointer<UInt8>, residual: UnsafePointer<UInt8>?, y: UnsafeMutablePointer<UInt8>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if outputs == 0 { return }
    let g = panels.geometry
    nonisolated(unsafe) let (residual, y, scratch) = (residual, y, scratch)
    let copy = (scratch + slots * tableBytes).assumingMemoryBound(to: UInt8.self)
    if panels.isMerged { widen(x, copy, pool) }
    nonisolated(unsafe) let source = panels.isMerged ? UnsafePointer(copy) : x
    let pixelBytes = panels.isMerged ? panels.tapStep : panels.step
    let rowBytes = (panels.isMerged ? copyColumns : g.input[2]) * pixelBytes
    let core = dl_byte_conv(
      taps: (g.kernel[1], panels.isMerged ? 1 : g.kernel[2]), fours: 0,
      input: (g.input[1], panels.isMerged ? copyColumns - g.kernel[2] + 1 : g.input[2]),
      output: (g.output[1], g.output[2]), stride: (g.strides[1], g.strides[2]),
      pad: (g.pads[1], panels.isMerged ? 0 : g.pads[2]),
      dilation: (g.dilations[1], g.dilations[2]), pixel_step: pixelBytes, row_step: rowBytes,
      image_step: rowBytes * g.input[1], out_step: outStep,
      finish: finish.core(isWide: isWide, isSmall: isSmall))
    let units = chunks * shares
    let tiles = (outputs + unit - 1) / unit
    pool.run(units, slots: slots) { unit, slot in
      let table = (scratch + slot * tableBytes)
        .assumingMemoryBound(to: UnsafePointer<UInt8>?.self)
      let (share, chunk) = (unit % shares, unit / shares)
      let first = chunk * tiles / chunks * self.unit
      let count = min(outputs, (chunk + 1) * tiles / chunks * self.unit) - first
      let (from, to) = (
        share * panels.panels.count / shares, (share + 1) * panels.panels.count / shares
      )
      for i in from..<to { panel(i, core, source, residual, y, first, count, table) }
    }
  }

  /// Copies the image between columns of zero points, and the channels alone where that saves fours.
  private func widen(
    _ x: UnsafePointer<UInt8>, _ copy: UnsafeMutablePointer<UInt8>, _ pool: ThreadPool
  ) {
    let g = panels.geometry
    let rows = g.batch * g.input[1]
    let (row, wide) = (g.input[2] * panels.tapStep, copyColumns * panels.tapStep)
    let left = g.pads[2] * panels.tapStep
    let parts = min(pieces, rows)
    nonisolated(unsafe) let (x, copy) = (x, copy)
    let zero = UInt8(xZero)
    pool.run(parts) { part in
      for r in (part * rows / parts)..<((part + 1) * rows / parts) {
        let to = copy + r * wide
        to.update(repeating: zero, count: left)
        dl_byte_channels_u8(
          to + left, panels.tapStep, x + r * g.input[2] * panels.step, panels.step, panels.tapStep,
          g.input[2])
        (to + left + row).update(repeating: zero, count: wide - left - row)
      }
    }
  }

  private func panel(
    _ i: Int, _ core: dl_byte_conv, _ x: UnsafePointer<UInt8>, _ residual: UnsafePointer<UInt8>?,
    _ y: UnsafeMutablePointer<UInt8>, _ first: Int, _ count: Int,
    _ table: UnsafeMutablePointer<UnsafePointer<UInt8>?>
  ) {
    let p = panels.panels[i]
    let all = panels.constantCount
    let numbers = constants.bytes.assumingMemoryBound(to: Float.self)
    var c = core
    c.fours = p.fours
    // What fills the last four is written too, so that every byte of the result is.
    let isLast = i == panels.panels.count - 1
    let columns = isLast ? min(p.vectors * p.lanes, outStep - p.first) : p.columns
    var panel = dl_byte_panel(
      vectors: p.vectors, is_half: p.isHalf ? 1 : 0, columns: columns,
      weights: filter.memory.bytes + p.offset,
      start: constants.bytes.assumingMemoryBound(to: Int32.self) + p.constants,
      scale: numbers + all + p.constants, base: numbers + 2 * all + p.constants,
      offset: hasOffsets ? numbers + 3 * all + p.constants : nil,
      next: isLast ? nil : filter.memory.bytes + panels.panels[i + 1].offset,
      next_bytes: isLast ? 0 : panels.byteCount(of: i + 1))
    let from = x + p.channel
    let edge = UnsafePointer(border.bytes.assumingMemoryBound(to: UInt8.self))
    let (z, to) = (residual.map { $0 + p.first }, y + p.first)
    switch (panels.isDepthwise, panels.isa) {
    #if arch(x86_64)
      case (false, .avx512vnni):
        dl_byte_conv_u8s8__avx512vnni(&c, &panel, from, edge, z, to, first, count, table)
      case (false, .avx512):
        dl_byte_conv_u8s8__avx512(&c, &panel, from, edge, z, to, first, count, table)
      case (false, .avx2):
        dl_byte_conv_u8s8__avx2(&c, &panel, from, edge, z, to, first, count, table)
      case (true, .avx512vnni):
        if p.lanes == 8 {
          dl_byte_depthwise_u8s8__avx512vnni_half(
            &c, &panel, from, edge, z, to, first, count, table)
        } else {
          dl_byte_depthwise_u8s8__avx512vnni(&c, &panel, from, edge, z, to, first, count, table)
        }
      case (true, .avx512):
        if p.lanes == 8 {
          dl_byte_depthwise_u8s8__avx2(&c, &panel, from, edge, z, to, first, count, table)
        } else {
          dl_byte_depthwise_u8s8__avx512(&c, &panel, from, edge, z, to, first, count, table)
        }
      case (true, .avx2):
        dl_byte_depthwise_u8s8__avx2(&c, &panel, from, edge, z, to, first, count, table)
    #endif
    case (false, _):
      dl_byte_conv_u8s8__scalar(&c, &panel, from, edge, z, to, first, count, table)
    case (true, _):
      dl_byte_depthwise_u8s8__scalar(&c, &panel, from, edge, z, to, first, count, table)
    }
  }
}
