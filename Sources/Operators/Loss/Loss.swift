import Graphs

/// What training makes small.
enum Loss {
  static let operators: [any Operator.Type] = [
    NegativeLogLikelihoodLoss.self,
    SoftmaxCrossEntropyGradient.self,
    SoftmaxCrossEntropyLoss.self,
  ]
}
