import Graphs
import Kernels
import Tensors

/// The place of the largest element along an axis: int64.
///
/// - `data`: any numeric dtype, rank 1 or more.
/// - `axis`: default 0. `keepdims`: default 1. `select_last_index`: default 0, the first of equals.
/// - Errors: `.attribute` for an axis out of range; `.shape` for an axis without elements.
/// - Edges: NaN beats every number.
/// - Source: ONNX ArgMax 1, 11, 12, 13.
public struct ArgMax: ArgReduce {
  public let options: ArgOptions
  public static let schema: Schema = makeSchema("ArgMax")
  public static let isMin = false

  public init(_ options: ArgOptions) { self.options = options }
}
