import CKernels
import Tensors

/// A convolution of stride 1 with few channels, summed directly over planes: with weights that come
/// anew with each run, as in training, or with constant ones for a few outputs, where a tile of
/// channels in lanes would be mostly empty.
///
/// A register tile holds up to 8 outputs at two stretches of 16 pixels: 32 pixels of a row, or two
/// rows where these are short; up to 4 outputs at four stretches of wide rows. Bands of rows, or
/// parts of one long row, are first copied between zeros. Sums run over
/// channels, then taps; results do not depend on the number of threads.
public struct PlaneConvPlan: Sendable {
  public let scratchBytes: Int
  public let label: String

  let geometry: ConvGeometry
  /// Parts of near equal size that the outputs fall into.
  let parts: Int
  /// Output rows of a band, bands of an image.
  let band: Int
  let bands: Int
  /// Output pixels of a row that are made from one copy, and parts that a row falls into.
  let length: Int
  let lengths: Int
  /// Constant weights in the kernel's order.
  let packed: AlignedMemory?
  /// Elements of a padded row, of a padded plane of a band.
  let row: Int
  let plane: Int
  let weightCount: Int
  let slots: Int
  let slotCount: Int

  /// So many outputs at most are summed over planes where weights are constant.
  public static let fewOutputs = 8

  /// Whether most lanes of tiles count, for rows of so many pixels.
  public static func fills(_ width: Int) -> Bool {
    let tile = width > 16 ? 32 : 16
    return Double(width) >= 0.6 * Double((width + tile - 1) / tile * tile)
  }

  /// A convolution with few outputs and constant weights `[outputs, channels, taps]`; nil where this
  /// form cannot take it or would not pay.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public static func few(
    _ g: ConvGeometry, weights: UnsafePointer<Float>, threads: Int,
    isa: InstructionSet = .current
  ) throws(EngineError) -> PlaneConvPlan? {
    guard g.outputs <= fewOutputs else { return nil }
    return try constant(g, weights: weights, threads: threads, isa: isa)
  }

  static func constant(
    _ g: ConvGeometry, weights: UnsafePointer<Float>, threads: Int,
    isa: InstructionSet = .current
  ) throws(EngineError) -> PlaneConvPlan? {
    guard g.channels * g.taps * fewOutputs * 4 <= CacheSizes.level2 / 2 else { return nil }
    let memory = try AlignedMemory(byteCount: g.weightCount * 4)
    guard let plan = PlaneConvPlan(g, packed: memory, threads: threads, isa: isa) else {
      return nil
    }
    plan.pack(weights, false, memory.bytes.assumingMemoryBound(to: Float.self))
    return plan
  }

  /// Nil where the form cannot take the convolution, or would not pay.
  public init?(_ g: ConvGeometry, threads: Int = 1, isa: InstructionSet = .current) {
    guard g.outputs > 1, g.channels * g.taps * 8 * 4 <= CacheSizes.level1 * 3 / 4 else {
      return nil
    }
    self.init(g, packed: nil, threads: threads, isa: isa)
  }

  private init?(
    _ g: ConvGeometry, packed: AlignedMemory?, threads: Int, isa: InstructionSet
  ) {
    let ones = [1, 1, 1]
    let width = g.output[2]
    guard isa >= .avx512, g.strides == ones, g.dilations == ones, g.groups == 1, g.kernel[0] == 1,
      g.input[0] == 1, g.output[0] == 1, g.pads.allSatisfy({ $0 >= 0 }), g.pads[0] == 0,
      g.kernel[1] * g.kernel[2] > 1, g.outputPixels > 0, g.inputPixels > 0,
      Self.fills(width)  // the product of columns uses half of the multipliers
    else { return nil }
    geometry = g
    self.packed = packed
    parts = (g.outputs + 7) / 8
    // One long row falls into parts whose copies stay in the second-level cache.
    let wide = max(256, CacheSizes.level2 / 4 / max(1, g.channels * 4) / 64 * 64)
    length = g.output[1] == 1 && width > wide ? wide : width
    lengths = (width + length - 1) / length
    row = length + g.kernel[2] - 1
    let bytes = g.channels * row * 4
    var rows = min(g.output[1], max(2, (CacheSizes.level2 / 8) / max(1, bytes) - g.kernel[1] + 1))
    let isParallel = threads > 1 && g.outputCount * g.channels * g.taps >= 65_536
    if isParallel {
      // Bands enough for all, of at least 8 rows.
      let wanted = (threads * 4 + g.batch - 1) / g.batch
      rows = min(rows, max(min(8, rows), (g.output[1] + wanted - 1) / wanted))
    }
    rows = rows < g.output[1] ? rows / 2 * 2 : rows
    band = rows
    bands = (g.output[1] + rows - 1) / rows
    plane = (rows + g.kernel[1] - 1) * row
    weightCount = packed == nil ? (g.weightCount + 15) / 16 * 16 : 0
    slots = isParallel ? min(threads, g.batch * bands * lengths) : 1
    // Tiles read up to 63 elements behind their rows.
    slotCount = (g.channels * plane + 64 + 15) / 16 * 16
    scratchBytes = (weightCount + slots * slotCount) * 4
    label = "conv planes \(isa)"
  }

  /// - `weights`, `isTurned`, `bias`: as for `WinogradConvPlan`; `weights` is ignored where they were
  ///   constant.
  public func run(
    x: UnsafePointer<Float>, weights: UnsafePointer<Float>, isTurned: Bool,
    bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    #if arch(x86_64)
      let g = geometry
      nonisolated(unsafe) let (x, y, bias) = (x, y, bias)
      nonisolated(unsafe) let space = scratch.assumingMemoryBound(to: Float.self)
      nonisolated(unsafe) let sorted: UnsafePointer<Float>
      if let packed {
        sorted = UnsafePointer(packed.bytes.assumingMemoryBound(to: Float.self))
      } else {
        pack(weights, isTurned, space)
        sorted = UnsafePointer(space)
      }
      let units = g.batch * bands * lengths
      pool.run(slots > 1 ? units : 1, slots: slots) { piece, slot in
        let copy = space + weightCount + slot * slotCount
        // What no band writes: columns of zeros stay, ends of reads are never used.
        (copy + g.channels * plane).update(repeating: 0, count: 64)
        for unit in slots > 1 ? piece..<piece + 1 : 0..<units {
          let (image, rest) = (unit / (bands * lengths), unit % (bands * lengths))
          runBand(image, rest / lengths * band, rest % lengths * length, x, sorted, bias, y, copy)
        }
      }
    #endif
  }

  /// `[part][channel][tap][outputs of the part]`.
  private func pack(
    _ weights: UnsafePointer<Float>, _ isTurned: Bool, _ to: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let taps = g.taps
    let (ofOutput, ofChannel) = isTurned ? (taps, g.outputs * taps) : (g.channels * taps, taps)
    var next = to
    for p in 0..<parts {
      let part = p * g.outputs / parts..<(p + 1) * g.outputs / parts
      for c in 0..<g.channels {
        for t in 0..<taps {
          let from = weights + c * ofChannel + (isTurned ? taps - 1 - t : t)
          for m in part {
            next.pointee = from[m * ofOutput]
            next += 1
          }
        }
      }
    }
  }

  #if arch(x86_64)
    private func runBand(
      _ image: Int, _ first: Int, _ column: Int, _ x: UnsafePointer<Float>,
      _ weights: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
      _ y: UnsafeMutablePointer<Float>, _ copy: UnsafeMutablePointer<Float>
    ) {
      let g = geometry
      let rows = min(band, g.output[1] - first)
      let columns = min(length, g.output[2] - column)
      let width = g.input[2]
      // Of a row of the copy, what lies in the input.
      let left = min(row, max(0, g.pads[2] - column))
      let held = max(left, min(row, width + g.pads[2] - column))
      for c in 0..<g.channels {
        let from = x + (image * g.channels + c) * g.inputPixels
        for r in 0..<rows + g.kernel[1] - 1 {
          let to = copy + c * plane + r * row
          let source = first + r - g.pads[1]
          guard source >= 0, source < g.input[1] else {
            to.update(repeating: 0, count: row)
            continue
          }
          for j in 0..<left { to[j] = 0 }
          if held > left {
            (to + left).update(
              from: from + source * width + column + left - g.pads[2], count: held - left)
          }
          for j in held..<row { to[j] = 0 }
        }
      }
      var k = dl_plane_conv(
        channels: g.channels, taps: (g.kernel[1], g.kernel[2]), plane: plane, row: row,
        rows: rows, width: columns, out_plane: g.outputPixels)
      for p in 0..<parts {
        let m = p * g.outputs / parts
        dl_plane_conv_f32__avx512(
          &k, (p + 1) * g.outputs / parts - m, copy, weights + m * g.channels * g.taps,
          bias.map { $0 + m },
          y + (image * g.outputs + m) * g.outputPixels + first * g.output[2] + column)
      }
    }
  #endif
}
