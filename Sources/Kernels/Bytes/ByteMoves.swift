import CKernels
import Tensors

/// Moves of images between planes and the layout of byte kernels, `[N, H, W, C in fours]`.
public struct ByteMoves: Sendable {
  public let batch: Int
  public let channels: Int
  public let pixels: Int
  let isa: InstructionSet
  private var step: Int { BytePanels.step(channels) }

  public init(batch: Int, channels: Int, pixels: Int, isa: InstructionSet = .current) {
    (self.batch, self.channels, self.pixels, self.isa) = (batch, channels, pixels, isa)
  }

  /// Calls `body(image, first pixel, pixels)` for pieces of all images.
  private func pieces(_ pool: ThreadPool, _ body: (Int, Int, Int) -> Void) {
    // Few and long: what a thread makes it mostly reads again.
    let most = (pixels + pool.threads - 1) / pool.threads
    let each = max((most + 63) / 64 * 64, 64, (16_384 / max(channels, 1) + 63) / 64 * 64)
    let parts = (pixels + each - 1) / each
    pool.run(batch * parts) { i in
      let first = i % parts * each
      body(i / parts, first, min(each, pixels - first))
    }
  }

  /// Quantises planes of float32: `round(x / scale) + zero`, brought into 0 to 255.
  public func quantize(
    _ x: UnsafePointer<Float>, _ scale: PixelScale, into y: UnsafeMutablePointer<UInt8>,
    pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    pieces(pool) { image, first, count in
      let from = x + image * channels * pixels + first
      let to = y + (image * pixels + first) * step
      let zero = Int32(scale.zero)
      switch isa {
      #if arch(x86_64)
        case .avx512, .avx512vnni:
          dl_byte_quantize_f32__avx512(to, from, count, pixels, channels, step, scale.scale, zero)
        case .avx2:
          dl_byte_quantize_f32__avx2(to, from, count, pixels, channels, step, scale.scale, zero)
      #endif
      default:
        dl_byte_quantize_f32__scalar(to, from, count, pixels, channels, step, scale.scale, zero)
      }
    }
  }

  /// Quantises images in blocks of `block` channels; what fills the last four is `scale.zero`.
  public func quantize(
    blocks x: UnsafePointer<Float>, of block: Int, _ scale: PixelScale,
    into y: UnsafeMutablePointer<UInt8>, pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    let blocks = (channels + block - 1) / block
    pieces(pool) { image, first, count in
      let from = x + (image * blocks * pixels + first) * block
      let to = y + (image * pixels + first) * step
      let (far, zero) = (pixels * block, Int32(scale.zero))
      switch isa {
      #if arch(x86_64)
        case .avx512, .avx512vnni:
          dl_byte_quantize_blocks_f32__avx512(
            to, from, count, block, far, step, scale.scale, zero)
        case .avx2:
          dl_byte_quantize_blocks_f32__avx2(to, from, count, block, far, step, scale.scale, zero)
      #endif
      default:
        dl_byte_quantize_blocks_f32__scalar(to, from, count, block, far, step, scale.scale, zero)
      }
    }
  }

  /// Planes of float32 from bytes: `(x - zero) * scale`.
  public func dequantize(
    _ x: UnsafePointer<UInt8>, _ scale: PixelScale, into y: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    pieces(pool) { image, first, count in
      let to = y + image * channels * pixels + first
      let from = x + (image * pixels + first) * step
      let zero = Int32(scale.zero)
      switch isa {
      #if arch(x86_64)
        case .avx512, .avx512vnni:
          dl_byte_dequantize_f32__avx512(to, from, count, pixels, channels, step, scale.scale, zero)
        case .avx2:
          dl_byte_dequantize_f32__avx2(to, from, count, pixels, channels, step, scale.scale, zero)
      #endif
      default:
        dl_byte_dequantize_f32__scalar(to, from, count, pixels, channels, step, scale.scale, zero)
      }
    }
  }

  /// Planes of bytes; each is exclusive-ored with `flip`, and `filler` fills the last four.
  public func toPixels(
    _ x: UnsafePointer<UInt8>, flip: UInt8, filler: UInt8, into y: UnsafeMutablePointer<UInt8>,
    pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    pieces(pool) { image, first, count in
      dl_byte_to_pixels_u8(
        y + (image * pixels + first) * step, x + image * channels * pixels + first, count, pixels,
        channels, step, flip, filler)
    }
  }

  /// The way back.
  public func toPlanes(
    _ x: UnsafePointer<UInt8>, flip: UInt8, into y: UnsafeMutablePointer<UInt8>, pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    pieces(pool) { image, first, count in
      dl_byte_to_planes_u8(
        y + image * channels * pixels + first, x + (image * pixels + first) * step, count, pixels,
        channels, step, flip)
    }
  }
}

/// Byte functions by table, and copies of channels.
public enum ByteLookup {
  /// `y[i] = table[x[i]]`, i < n; `table` has 256 entries, `y` may be `x`.
  public static func run(
    _ table: UnsafePointer<UInt8>, _ x: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>,
    _ n: Int, pool: ThreadPool
  ) {
    let each = max(16_384, (n + pool.threads - 1) / pool.threads)
    nonisolated(unsafe) let (table, x, y) = (table, x, y)
    pool.run((n + each - 1) / each) { i in
      dl_byte_table_u8(table, x + i * each, y + i * each, min(each, n - i * each))
    }
  }

  /// `to[p * toStep + c] = from[p * fromStep + c]` for c < channels, p < pixels.
  public static func copy(
    _ to: UnsafeMutablePointer<UInt8>, step toStep: Int, _ from: UnsafePointer<UInt8>,
    step fromStep: Int, channels: Int, pixels: Int, pool: ThreadPool
  ) {
    let each = max(1, 16_384 / max(channels, 1), (pixels + pool.threads - 1) / pool.threads)
    nonisolated(unsafe) let (to, from) = (to, from)
    pool.run((pixels + each - 1) / each) { i in
      let first = i * each
      dl_byte_channels_u8(
        to + first * toStep, toStep, from + first * fromStep, fromStep, channels,
        min(each, pixels - first))
    }
  }
}
