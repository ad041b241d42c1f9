import CKernels
import Tensors

/// Float32 to 8-bit codes with one scale and back, and the range of numbers.
public enum FloatCodes {
  private static let hasAVX512 = InstructionSet.current >= .avx512

  /// `y = saturate(round(x / scale) + zero)` for `n` numbers; NaN gives the least code.
  static func quantize(
    _ n: Int, _ x: UnsafePointer<Float>, _ at: ByteScale, isSigned: Bool,
    _ y: UnsafeMutablePointer<UInt8>
  ) {
    let low: Int32 = isSigned ? -128 : 0
    let (least, most) = (Float(low &- at.zero), Float(low &+ 255 &- at.zero))
    #if arch(x86_64)
      if hasAVX512 {
        dl_quantize_f32_bytes__avx512(n, x, at.scale, least, most, at.zero, y)
        return
      }
    #endif
    dl_quantize_f32_bytes__scalar(n, x, at.scale, least, most, at.zero, y)
  }

  /// `y = (x - zero) * scale` for `n` codes.
  static func dequantize(
    _ n: Int, _ x: UnsafePointer<UInt8>, _ at: ByteScale, isSigned: Bool,
    _ y: UnsafeMutablePointer<Float>
  ) {
    #if arch(x86_64)
      if hasAVX512 {
        dl_dequantize_bytes_f32__avx512(n, x, isSigned ? 1 : 0, at.zero, at.scale, y)
        return
      }
    #endif
    dl_dequantize_bytes_f32__scalar(n, x, isSigned ? 1 : 0, at.zero, at.scale, y)
  }

  /// The scale and zero point that DynamicQuantizeLinear gives numbers from `low` <= 0 to `high` >= 0.
  public static func uint8(low: Float, high: Float) -> PixelScale {
    let scale = (low == high ? 1 : high - low) / 255
    let zero = min(max(0 - low / scale, 0), 255).rounded(.toNearestOrEven)
    return PixelScale(scale, zero: zero >= 0 ? Int(zero) : 0)
  }

  /// Pieces that `range` cuts `count` numbers into.
  static func pieces(_ count: Int) -> Int { max(1, min(64, count / 16384)) }

  /// The least and the greatest of 0 and `count` numbers; NaN does not count.
  ///
  /// - `scratch`: room for 128 numbers.
  public static func range(
    _ count: Int, _ x: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) -> (low: Float, high: Float) {
    let pieces = pieces(count)
    pool.run(pieces) { piece in
      let (first, end) = (piece * count / pieces, (piece + 1) * count / pieces)
      let own = scratch + 2 * piece
      own[0] = 0
      own[1] = 0
      #if arch(x86_64)
        if hasAVX512 {
          dl_range_f32__avx512(end - first, x + first, own)
          return
        }
      #endif
      dl_range_f32__scalar(end - first, x + first, own)
    }
    var (low, high) = (scratch[0], scratch[1])
    for piece in 1..<max(1, pieces) {
      low = min(low, scratch[2 * piece])
      high = max(high, scratch[2 * piece + 1])
    }
    return (low, high)
  }
}
