import Graphs

/// Optimisers as operators: domain ai.onnx.preview.training.
enum Optimization {
  static let operators: [any Operator.Type] = [
    Adagrad.self, Adam.self, Gradient.self, Momentum.self,
  ]
}
