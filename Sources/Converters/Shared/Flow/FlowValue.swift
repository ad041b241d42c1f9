import Graphs
import Tensors

/// What an output of a TensorFlow node is in the graph being recorded.
enum FlowValue: Sendable {
  case tensor(ValueID)
  case list(FlowList)
  /// A handle of a variable, by the name that its values stand under.
  case variable(String)
  /// A handle of a lookup table, by name.
  case table(String)
  /// What no value comes of: nodes that only do something.
  case nothing
}
