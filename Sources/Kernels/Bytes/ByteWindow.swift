import CKernels
import Tensors

/// A pooling of an image of bytes.
public struct ByteWindow: Sendable {
  public let label: String
  private let core: dl_byte_window
  private let mean: Mean?
  private let batch: Int
  private let isa: InstructionSet
  private let rows: Int
  private let chunks: Int
  private let pieces: Int

  private struct Mean: Sendable {
    let from: PixelScale
    let to: PixelScale
    /// Divisors of rows, then of columns.
    let counts: [Float]
  }

  private init(
    _ axes: BlockedWindow.Axes, batch: Int, step: Int, mean: Mean?, isSigned: Bool = false,
    threads: Int, isa: InstructionSet, label: String
  ) {
    core = dl_byte_window(
      input: (axes.input[0], axes.input[1]), output: (axes.output[0], axes.output[1]),
      taps: (axes.kernel[0], axes.kernel[1]), stride: (axes.strides[0], axes.strides[1]),
      dilation: (axes.dilations[0], axes.dilations[1]), pad: (axes.pads[0], axes.pads[1]),
      channels: step, sign: isSigned ? 0x80 : 0)
    (self.mean, self.batch, self.isa) = (mean, batch, isa)
    self.label = "\(label) \(min(isa, .avx512))"
    let height = axes.output[0]
    let work = batch * height * axes.output[1] * step * axes.kernel[0] * axes.kernel[1]
    let isParallel = threads > 1 && work >= 131_072
    let wanted = isParallel ? max(1, (threads + batch - 1) / max(batch, 1)) : 1
    rows = max(1, (height + wanted - 1) / wanted)
    chunks = (height + rows - 1) / rows
    pieces = isParallel ? min(batch * chunks, threads) : 1
  }

  /// The largest byte of each window; every window must hold a pixel. `step`: bytes of a pixel, a
  /// multiple of 4.
  public init(
    max axes: BlockedWindow.Axes, batch: Int, step: Int, isSigned: Bool = false, threads: Int = 1,
    isa: InstructionSet = .current
  ) {
    self.init(
      axes, batch: batch, step: step, mean: nil, isSigned: isSigned, threads: threads, isa: isa,
      label: "byte max pool")
  }

  /// Sums over each window, divided by `counts`: those of rows, then of columns.
  public init(
    average axes: BlockedWindow.Axes, counts: [Int], from: PixelScale, to: PixelScale, batch: Int,
    step: Int, threads: Int = 1, isa: InstructionSet = .current
  ) {
    precondition(counts.count == axes.output[0] + axes.output[1], "\(counts.count) divisors")
    self.init(
      axes, batch: batch, step: step,
      mean: Mean(from: from, to: to, counts: counts.map { Float($0) }), threads: threads, isa: isa,
      label: "byte average pool")
  }

  public func run(
    x: UnsafePointer<UInt8>, y: UnsafeMutablePointer<UInt8>, pool: ThreadPool
  ) {
    let units = batch * chunks
    nonisolated(unsafe) let (x, y) = (x, y)
    let inputBytes = core.input.0 * core.input.1 * core.channels
    let outputBytes = core.output.0 * core.output.1 * core.channels
    pool.run(pieces) { piece in
      var w = core
      for unit in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        let (image, first) = (unit / chunks, unit % chunks * rows)
        let count = min(rows, core.output.0 - first)
        compute(&w, first, count, x + image * inputBytes, y + image * outputBytes)
      }
    }
  }

  private func compute(
    _ w: inout dl_byte_window, _ first: Int, _ count: Int, _ x: UnsafePointer<UInt8>,
    _ y: UnsafeMutablePointer<UInt8>
  ) {
    guard let mean else {
      switch isa {
      #if arch(x86_64)
        case .avx512, .avx512vnni: dl_byte_max_pool_u8__avx512(&w, first, count, x, y)
        case .avx2: dl_byte_max_pool_u8__avx2(&w, first, count, x, y)
      #endif
      default: dl_byte_max_pool_u8__scalar(&w, first, count, x, y)
      }
      return
    }
    mean.counts.withUnsafeBufferPointer {
      guard let counts = $0.baseAddress else { return }
      var m = dl_byte_mean(
        x_zero: Int32(mean.from.zero), zero: Int32(mean.to.zero),
        factor: mean.from.scale / mean.to.scale, row_counts: counts,
        column_counts: counts + w.output.0)
      switch isa {
      #if arch(x86_64)
        case .avx512, .avx512vnni: dl_byte_average_pool_u8__avx512(&w, &m, first, count, x, y)
        case .avx2: dl_byte_average_pool_u8__avx2(&w, &m, first, count, x, y)
      #endif
      default: dl_byte_average_pool_u8__scalar(&w, &m, first, count, x, y)
      }
    }
  }
}
