import Graphs

/// Recurrent layers.
enum Recurrent {
  static let operators: [any Operator.Type] = []
}
