import Graphs

/// Operators that move elements or change shapes.
enum Layout {
  static let operators: [any Operator.Type] = [
    Concat.self,
    Expand.self,
    Flatten.self,
    Reshape.self,
    Slice.self,
    Split.self,
    Squeeze.self,
    Transpose.self,
    Unsqueeze.self,
  ]
}
