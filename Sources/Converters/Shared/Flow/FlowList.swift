import Graphs
import Tensors

/// A list of tensors of one type: TensorFlow's `TensorList` or `TensorArray`.
struct FlowList: Sendable {
  enum State: Sendable {
    /// All elements along a new first axis.
    case stacked(ValueID)
    /// So many elements, int64 scalar, that nobody wrote yet.
    case reserved(count: ValueID)
    /// Within a loop's body: what carried value `slot` was before this iteration.
    case scanning(slot: Int)
    /// Within a loop's body: one element was written, at `index`; nil at the end.
    case written(slot: Int, value: ValueID, index: ValueID?)
  }
  var state: State
  var dtype: DType
  /// Sizes of an element, as far as they are stated.
  var element: [Int]?
  /// Whether it is known to have one element.
  var isSingle = false
}
