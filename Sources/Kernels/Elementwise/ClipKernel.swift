import CKernels
import Tensors

/// `y = min(max(x, low), high)` in one pass, for float32, float64 and int32.
public struct ClipKernel: Sendable {
  private typealias Function =
    @convention(c) (
      Int, UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?
    ) -> Void
  private let function: Function
  private let dtype: DType

  /// Nil for other types.
  public init?(_ dtype: DType, isa: KernelISA = .best) {
    let list: [Function]
    #if arch(x86_64)
      switch dtype {
      case .float32: list = [dl_clip_f32__scalar, dl_clip_f32__avx2, dl_clip_f32__avx512]
      case .float64: list = [dl_clip_f64__scalar, dl_clip_f64__avx2, dl_clip_f64__avx512]
      case .int32: list = [dl_clip_i32__scalar, dl_clip_i32__avx2, dl_clip_i32__avx512]
      default: return nil
      }
    #else
      switch dtype {
      case .float32: list = [dl_clip_f32__scalar]
      case .float64: list = [dl_clip_f64__scalar]
      case .int32: list = [dl_clip_i32__scalar]
      default: return nil
      }
    #endif
    function = list[min(Int(isa.rawValue), list.count - 1)]
    self.dtype = dtype
  }

  /// Whether a bound can be compared with: it is no NaN.
  public func accepts(_ bound: UnsafeRawPointer) -> Bool {
    switch dtype {
    case .float32: !bound.loadUnaligned(as: Float.self).isNaN
    case .float64: !bound.loadUnaligned(as: Double.self).isNaN
    default: true
    }
  }

  /// `count` elements on the calling thread; `y` may be `x`. Bounds are accepted ones.
  public func run(
    count: Int, _ x: UnsafeRawPointer, low: UnsafeRawPointer, high: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer
  ) { function(count, x, low, high, y) }
}
