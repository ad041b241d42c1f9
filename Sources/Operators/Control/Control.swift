import Graphs

/// Operators that hold graphs.
enum Control {
  static let operators: [any Operator.Type] = []
}
