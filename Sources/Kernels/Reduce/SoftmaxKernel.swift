import CKernels
import Tensors

/// Softmax along the middle axis of `[outer, n, inner]`, or its logarithm.
///
/// `y = e^(x - max) / sum(e^(x - max))`. Float32 within 4 ulp of the formula in double where the
/// result is not tiny. A slice with NaN or +inf, or all of -inf, gives NaN. In place is allowed.
public enum SoftmaxKernel {
  public static func run(
    _ dtype: DType, log: Bool, _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int,
    into y: UnsafeMutableRawPointer, pool: ThreadPool, lanes: LaneSet = .best
  ) {
    switch dtype {
    case .float32:
      runFloat(
        log, x.assumingMemoryBound(to: Float.self), outer, n, inner,
        y.assumingMemoryBound(to: Float.self), pool, lanes)
    case .float64:
      runDouble(
        log, x.assumingMemoryBound(to: Double.self), outer, n, inner,
        y.assumingMemoryBound(to: Double.self), pool, lanes)
    default: preconditionFailure("no softmax of \(dtype)")
    }
  }

  private static func runFloat(
    _ log: Bool, _ x: UnsafePointer<Float>, _ outer: Int, _ n: Int, _ inner: Int,
    _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool, _ lanes: LaneSet
  ) {
    let mode: Int32 = log ? 1 : 0
    if inner == 1 {
      let rows = rowKernels[Int(lanes.rawValue)]
      let each = max(1, 4096 / max(n, 1))
      pool.run((outer + each - 1) / each) { i in
        let first = i * each
        rows(mode, x + first * n, min(each, outer - first), n, y + first * n)
      }
    } else {
      let columns = columnKernels[Int(lanes.rawValue)]
      let width = 64
      let tiles = (inner + width - 1) / width
      if tiles == 1 {
        let each = max(1, 4096 / max(n * inner, 1))
        pool.run((outer + each - 1) / each) { i in
          for o in i * each..<min((i + 1) * each, outer) {
            columns(mode, x + o * n * inner, n, inner, 0, inner, y + o * n * inner)
          }
        }
        return
      }
      pool.run(outer * tiles) { i in
        let at = i / tiles * n * inner
        let first = i % tiles * width
        columns(mode, x + at, n, inner, first, min(width, inner - first), y + at)
      }
    }
  }

  // C functions as such: those that Swift takes for closures are wrapped anew, on the heap, whenever
  // they are read from a list.
  private typealias Rows =
    @convention(c) (Int32, UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>?) -> Void
  private typealias Columns =
    @convention(c) (Int32, UnsafePointer<Float>?, Int, Int, Int, Int, UnsafeMutablePointer<Float>?)
    -> Void
  private static let rowKernels: [Rows] = [
    dl_softmax_f32_rows__scalar, dl_softmax_f32_rows__avx2, dl_softmax_f32_rows__avx512,
  ]
  private static let columnKernels: [Columns] = [
    dl_softmax_f32_cols__scalar, dl_softmax_f32_cols__avx2, dl_softmax_f32_cols__avx512,
  ]
}
