import Graphs

/// Fused and helper operators of domain com.microsoft.
enum ContribFusions {
  static let operators: [any Operator.Type] = []
}
