import Graphs

/// Operators that move elements or change shapes.
enum Layout {
  static let operators: [any Operator.Type] = [Reshape.self]
}
