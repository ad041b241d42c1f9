import CKernels

/// Conversions between float32 and the half-precision types, split over threads.
public enum HalfFloats {
  /// Exact. `isBrain`: bfloat16, otherwise float16.
  public static func widen(
    _ x: UnsafeRawPointer, to y: UnsafeMutablePointer<Float>, count: Int, isBrain: Bool,
    pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: UInt16.self)
    let hasF16C = LaneSet.best != .scalar
    pool.run((count + tile - 1) / tile) { i in
      let at = i * tile
      let n = min(tile, count - at)
      if isBrain {
        dl_widen_bf16_f32__scalar(x + at, y + at, n)
      } else if hasF16C {
        dl_widen_f16_f32__avx2(x + at, y + at, n)
      } else {
        dl_widen_f16_f32__scalar(x + at, y + at, n)
      }
    }
  }

  /// To nearest, ties to even; NaN stays NaN.
  public static func narrow(
    _ x: UnsafePointer<Float>, to y: UnsafeMutableRawPointer, count: Int, isBrain: Bool,
    pool: ThreadPool
  ) {
    let y = y.assumingMemoryBound(to: UInt16.self)
    let hasF16C = LaneSet.best != .scalar
    pool.run((count + tile - 1) / tile) { i in
      let at = i * tile
      let n = min(tile, count - at)
      if isBrain {
        dl_narrow_f32_bf16__scalar(x + at, y + at, n)
      } else if hasF16C {
        dl_narrow_f32_f16__avx2(x + at, y + at, n)
      } else {
        dl_narrow_f32_f16__scalar(x + at, y + at, n)
      }
    }
  }

  private static let tile = 16384
}
