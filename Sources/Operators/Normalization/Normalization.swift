import Graphs

/// Normalisation over channels, groups or rows.
enum Normalization {
  static let operators: [any Operator.Type] = []
}
