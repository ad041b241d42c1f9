import Graphs

/// Classical learning on tables and vectors: domain ai.onnx.ml.
enum Classical {
  static let operators: [any Operator.Type] = []
}
