import CKernels

/// How the outputs of a byte convolution, counted over all images, fall into pieces for threads and
/// caches.
///
/// Outputs fall into chunks whose input stays in the second-level cache while all panels of output
/// channels pass over them.
struct ByteConvWork: Sendable {
  /// Some outputs of one panel.
  struct Task {
    let panel: Int
    /// The first byte of the first image, or of its copy.
    let x: UnsafePointer<UInt8>
    let first: Int
    let count: Int
    /// Room for the addresses of taps.
    let table: UnsafeMutablePointer<UnsafePointer<UInt8>?>
  }

  let panels: BytePanels
  let outputs: Int
  /// Outputs that are not divided among chunks: those of a tile, or of a row.
  let unit: Int
  let chunks: Int
  let shares: Int
  let pieces: Int
  let slots: Int
  let tableBytes: Int
  /// Bytes that stand for pixels outside of an image.
  let borderBytes: Int
  /// Columns of the copy whose taps of a row are one.
  let copyColumns: Int
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  let scratchBytes: Int

  init(_ panels: BytePanels, weightBytes: Int, threads: Int) {
    let g = panels.geometry
    self.panels = panels
    outputs = g.batch * g.outputPixels
    borderBytes =
      panels.isDepthwise || panels.isGrouped ? 64 : (panels.panels.map(\.fours).max() ?? 0) * 4
    copyColumns =
      panels.isMerged
      ? max((g.output[2] - 1) * g.strides[2] + g.kernel[2], g.pads[2] + g.input[2]) : 0
    // Weights that do not fit the second-level cache are better read once than the image kept
    // there.
    let isHeavy = weightBytes > CacheSizes.level2 / 2
    let room = isHeavy ? CacheSizes.level2 / 8 * 5 : CacheSizes.level2 / 4
    let bytesEach = max(1, panels.step * g.strides[1] * g.strides[2])
    let sums = g.groups * g.outputs * outputs * g.channels * g.taps
    let isParallel = threads > 1 && sums >= 131_072
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
  }

  /// The convolution but for its results.
  var core: dl_byte_conv {
    let g = panels.geometry
    let pixelBytes = panels.isMerged ? panels.tapStep : panels.step
    let rowBytes = (panels.isMerged ? copyColumns : g.input[2]) * pixelBytes
    return dl_byte_conv(
      taps: (g.kernel[1], panels.isMerged ? 1 : g.kernel[2]), fours: 0,
      input: (g.input[1], panels.isMerged ? copyColumns - g.kernel[2] + 1 : g.input[2]),
      output: (g.output[1], g.output[2]), stride: (g.strides[1], g.strides[2]),
      pad: (g.pads[1], panels.isMerged ? 0 : g.pads[2]),
      dilation: (g.dilations[1], g.dilations[2]), pixel_step: pixelBytes, row_step: rowBytes,
      image_step: rowBytes * g.input[1], out_step: 0, finish: dl_byte_finish(), floats: nil)
  }

  /// Calls `body` for all outputs of all panels.
  ///
  /// - `xZero`: the byte that stands for 0 in the input.
  func run(
    _ x: UnsafePointer<UInt8>, xZero: UInt8, scratch: UnsafeMutableRawPointer, pool: ThreadPool,
    _ body: (Task) -> Void
  ) {
    if outputs == 0 { return }
    nonisolated(unsafe) let scratch = scratch
    let copy = (scratch + slots * tableBytes).assumingMemoryBound(to: UInt8.self)
    if panels.isMerged { widen(x, copy, xZero, pool) }
    nonisolated(unsafe) let source = panels.isMerged ? UnsafePointer(copy) : x
    let tiles = (outputs + unit - 1) / unit
    pool.run(chunks * shares, slots: slots) { piece, slot in
      let table = (scratch + slot * tableBytes)
        .assumingMemoryBound(to: UnsafePointer<UInt8>?.self)
      let (share, chunk) = (piece % shares, piece / shares)
      let first = chunk * tiles / chunks * unit
      let count = min(outputs, (chunk + 1) * tiles / chunks * unit) - first
      let (from, to) = (
        share * panels.panels.count / shares, (share + 1) * panels.panels.count / shares
      )
      for i in from..<to {
        body(Task(panel: i, x: source, first: first, count: count, table: table))
      }
    }
  }

  /// Copies the image between columns of zero points, and the channels alone where that saves fours.
  private func widen(
    _ x: UnsafePointer<UInt8>, _ copy: UnsafeMutablePointer<UInt8>, _ zero: UInt8,
    _ pool: ThreadPool
  ) {
    let g = panels.geometry
    let rows = g.batch * g.input[1]
    let (row, wide) = (g.input[2] * panels.tapStep, copyColumns * panels.tapStep)
    let left = g.pads[2] * panels.tapStep
    let parts = min(pieces, rows)
    nonisolated(unsafe) let (x, copy) = (x, copy)
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
}
