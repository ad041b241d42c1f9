import Graphs

/// Elementwise arithmetic.
enum Arithmetic {
  static let operators: [any Operator.Type] = []
}
