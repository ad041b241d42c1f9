import Graphs

/// Constants, shapes and casts.
enum Constants {
  static let operators: [any Operator.Type] = []
}
