import Graphs

/// Pooling windows and global pooling.
enum Pooling {
  static let operators: [any Operator.Type] = []
}
