import Graphs

/// Elementwise functions that networks put after their layers.
enum Activation {
  static let operators: [any Operator.Type] = [Swish.self]
}
