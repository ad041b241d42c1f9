import Graphs

/// Quantised operators of domain com.microsoft.
enum ContribQuantization {
  static let operators: [any Operator.Type] = []
}
