import CKernels

/// Softmax of float32 rows as cross entropy and its gradient take it, where the machine has kernels
/// for it: without the logarithms of all elements, and with the factor of each row in one pass.
///
/// Within 4 ulp of the formulas in double; rows with NaN or infinity give NaN. The same for any
/// number of threads.
public enum CrossEntropyRows {
  /// Whether the machine has these kernels.
  public static let isAvailable = InstructionSet.current >= .avx512

  private static func forEachPiece(
    _ rows: Int, _ n: Int, _ pool: ThreadPool, _ body: (_ first: Int, _ count: Int) -> Void
  ) {
    let each = max(1, 8192 / max(n, 1))
    pool.run((rows + each - 1) / each) { i in body(i * each, min(each, rows - i * each)) }
  }

  /// Of each row the largest element and the logarithm of the sum of `e^(x - max)`.
  public static func totals(
    _ x: UnsafePointer<Float>, rows: Int, n: Int, tops: UnsafeMutablePointer<Float>,
    logs: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    #if arch(x86_64)
      nonisolated(unsafe) let (x, tops, logs) = (x, tops, logs)
      forEachPiece(rows, n, pool) { first, count in
        dl_log_totals_f32__avx512(x + first * n, count, n, tops + first, logs + first)
      }
    #endif
  }

  /// `y = softmax(x) * rates[row] - rates[row]` at the row's label; zeros where the rate is 0.
  public static func gradients(
    _ x: UnsafePointer<Float>, rows: Int, n: Int, rates: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, pool: ThreadPool, label: (Int) -> Int
  ) {
    #if arch(x86_64)
      nonisolated(unsafe) let (x, rates, y) = (x, rates, y)
      forEachPiece(rows, n, pool) { first, count in
        dl_softmax_scaled_f32__avx512(x + first * n, count, n, rates + first, y + first * n)
        for r in first..<first + count where (0..<n).contains(label(r)) {
          y[r * n + label(r)] -= rates[r]
        }
      }
    #endif
  }
}
