import Graphs

/// Comparisons, logic and selection.
enum Comparison {
  static let operators: [any Operator.Type] = []
}
