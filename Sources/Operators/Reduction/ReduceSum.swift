import Graphs
import Kernels
import Tensors

/// The sum along axes: `y = sum(x)`.
///
/// - `data`: float, 32- and 64-bit integer dtypes; integers wrap, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is 0.
/// - Source: ONNX ReduceSum 1, 11, 13.
public struct ReduceSum: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceSum", [1, 11, 13], [.floats, DTypes(.int32, .int64, .uint32, .uint64)], turn: 13)
  public static let fold = Fold.sum

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
