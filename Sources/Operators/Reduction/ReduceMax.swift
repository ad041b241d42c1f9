import Graphs
import Kernels
import Tensors

/// The largest element along axes; NaN wins.
///
/// - `data`: float, 8-, 32- and 64-bit integer dtypes, bool, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is -inf, the least integer, or false.
/// - Source: ONNX ReduceMax 1, 11, 12, 13, 18, 20.
public struct ReduceMax: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceMax", [1, 11, 12, 13, 18, 20],
    [.floats, .bool, DTypes(.int8, .uint8, .int32, .int64, .uint32, .uint64)])
  public static let fold = Fold.max

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
