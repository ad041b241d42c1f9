import Graphs
import Kernels
import Tensors

/// Running sums along an axis: `y[i] = x[0] + ... + x[i]`.
///
/// - `x`: float, 32- and 64-bit integer dtypes, rank 1 or more; integers wrap. `axis`: int32 or
///   int64, one number in `-rank` to `rank - 1`.
/// - `exclusive`: 1 leaves an element out of its own sum. `reverse`: 1 runs from the end.
/// - Errors: `.value` for an axis out of range, when running.
/// - Accuracy: element after element; deterministic.
/// - Source: ONNX CumSum 11, 14.
public struct CumSum: Cumulative {
  public let options: CumulativeOptions
  public static let schema: Schema = makeSchema("CumSum", [11, 14])
  public static let isProduct = false

  public init(_ options: CumulativeOptions) { self.options = options }
}
