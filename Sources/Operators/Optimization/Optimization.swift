import Graphs

/// Optimisers as operators: domain ai.onnx.preview.training.
enum Optimization {
  static let operators: [any Operator.Type] = [
    Gradient.self
  ]
}
