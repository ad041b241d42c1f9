import CKernels
import Tensors

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

  /// Elements of one float type of 16 to 64 bits as another, rounded to nearest.
  public static func convert(
    _ from: DType, _ x: UnsafeRawPointer, to: DType, _ y: UnsafeMutableRawPointer, count: Int,
    pool: ThreadPool
  ) {
    let isBrain = from == .bfloat16 || to == .bfloat16
    switch (from, to) {
    case (.float16, .float32), (.bfloat16, .float32):
      widen(
        x, to: y.assumingMemoryBound(to: Float.self), count: count, isBrain: isBrain, pool: pool)
    case (.float32, .float16), (.float32, .bfloat16):
      narrow(
        x.assumingMemoryBound(to: Float.self), to: y, count: count, isBrain: isBrain, pool: pool)
    default:
      for i in 0..<count { store(load(from, x, i), to, y, i) }
    }
  }

  private static func load(_ dtype: DType, _ x: UnsafeRawPointer, _ i: Int) -> Double {
    switch dtype {
    case .float16: Double(x.loadUnaligned(fromByteOffset: 2 * i, as: Float16.self))
    case .bfloat16: Double(x.loadUnaligned(fromByteOffset: 2 * i, as: BFloat16.self).float)
    case .float32: Double(x.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
    default: x.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)
    }
  }

  private static func store(_ v: Double, _ dtype: DType, _ y: UnsafeMutableRawPointer, _ i: Int) {
    switch dtype {
    case .float16: y.storeBytes(of: Float16(v), toByteOffset: 2 * i, as: Float16.self)
    case .bfloat16: y.storeBytes(of: BFloat16(Float(v)), toByteOffset: 2 * i, as: BFloat16.self)
    case .float32: y.storeBytes(of: Float(v), toByteOffset: 4 * i, as: Float.self)
    default: y.storeBytes(of: v, toByteOffset: 8 * i, as: Double.self)
    }
  }

  private static let tile = 16384
}
