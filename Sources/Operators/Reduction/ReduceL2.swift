import Graphs
import Kernels
import Tensors

/// The Euclidean norm along axes: `y = sqrt(sum(x * x))`, integers in float64, truncated.
///
/// - `data`: float, 32- and 64-bit integer dtypes, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is 0.
/// - Source: ONNX ReduceL2 1, 11, 13, 18.
public struct ReduceL2: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceL2", [1, 11, 13, 18], [.floats, DTypes(.int32, .int64, .uint32, .uint64)])
  public static let fold = Fold.sumOfSquares
  public static let finish = ReduceFinish.squareRoot

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
