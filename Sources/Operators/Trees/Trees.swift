import Graphs

/// Ensembles of decision trees: domain ai.onnx.ml.
enum Trees {
  static let operators: [any Operator.Type] = [
    TreeEnsemble.self, TreeEnsembleClassifier.self, TreeEnsembleRegressor.self,
  ]
}
