import Graphs

/// What training makes small.
enum Loss {
  static let operators: [any Operator.Type] = [
    NegativeLogLikelihoodLoss.self,
    SoftmaxCrossEntropyLoss.self,
  ]
}
