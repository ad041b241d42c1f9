import Graphs
import Kernels
import Tensors

/// The logarithm of the sum along axes: `y = log(sum(x))`, integers in float64, truncated.
///
/// - `data`: float, 32- and 64-bit integer dtypes, integers before opset 28, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is -inf.
/// - Source: ONNX ReduceLogSum 1, 11, 13, 18, 28.
public struct ReduceLogSum: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceLogSum", [1, 11, 13, 18, 28], [.floats, DTypes(.int32, .int64, .uint32, .uint64)])
  public static let fold = Fold.sum
  public static let finish = ReduceFinish.logarithm

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
