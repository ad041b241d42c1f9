import Graphs

/// Attention and embedding of domain com.microsoft, as optimised transformers contain them.
enum ContribTransformers {
  static let operators: [any Operator.Type] = []
}
