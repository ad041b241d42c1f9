import Graphs
import Kernels
import Tensors

/// The product along axes: `y = prod(x)`.
///
/// - `data`: float, 32- and 64-bit integer dtypes; integers wrap, any shape. `axes`: optional int64 `[n]`; see `Reduce`.
/// - Attributes: `keepdims`, `noop_with_empty_axes`, and `axes` before it became an input.
/// - Edges: over no elements the result is 1.
/// - Source: ONNX ReduceProd 1, 11, 13, 18.
public struct ReduceProd: Reduce {
  public let axes: ReduceAxes
  public static let schema: Schema = makeSchema(
    "ReduceProd", [1, 11, 13, 18], [.floats, DTypes(.int32, .int64, .uint32, .uint64)])
  public static let fold = Fold.product

  public init(_ axes: ReduceAxes) { self.axes = axes }
}
