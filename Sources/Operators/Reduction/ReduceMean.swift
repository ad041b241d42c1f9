import Graphs
import Kernels
import Tensors

/// The mean along axes: `y = sum(x) / n`, integers truncated.
///
/// - `data`: float, 32- and 64-bit integer dtypes, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is NaN, 0 for integers.
/// - Source: ONNX ReduceMean 1, 11, 13, 18.
public struct ReduceMean: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceMean", [1, 11, 13, 18], [.floats, DTypes(.int32, .int64, .uint32, .uint64)])
  public static let fold = Fold.sum
  public static let finish = ReduceFinish.mean

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
