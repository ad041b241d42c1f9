import Graphs

/// Operators that pick elements by index or condition.
enum Indexing {
  static let operators: [any Operator.Type] = [
    Gather.self,
    NonZero.self,
  ]
}
