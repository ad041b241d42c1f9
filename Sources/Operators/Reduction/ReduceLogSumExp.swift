import Graphs
import Kernels
import Tensors

/// The logarithm of the sum of exponentials: `y = log(sum(exp(x)))`, without overflow; integers in float64, truncated.
///
/// - `data`: float, 32- and 64-bit integer dtypes, integers before opset 28, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is -inf.
/// - Source: ONNX ReduceLogSumExp 1, 11, 13, 18, 28.
public struct ReduceLogSumExp: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceLogSumExp", [1, 11, 13, 18, 28], [.floats, DTypes(.int32, .int64, .uint32, .uint64)])
  public static let fold = Fold.logSumExp

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
