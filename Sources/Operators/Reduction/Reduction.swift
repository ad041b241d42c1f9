import Graphs

/// Operators that fold axes: reductions, softmax, arg max, sorting along an axis.
enum Reduction {
  static let operators: [any Operator.Type] = []
}
