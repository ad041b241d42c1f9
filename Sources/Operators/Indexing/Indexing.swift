import Graphs

/// Operators that pick elements by index or condition.
enum Indexing {
  static let operators: [any Operator.Type] = [
    Compress.self,
    EmbeddingBag.self,
    EyeLike.self,
    Gather.self,
    GatherElements.self,
    GatherND.self,
    NonMaxSuppression.self,
    NonZero.self,
    OneHot.self,
    ReverseSequence.self,
    Scatter.self,
    ScatterElements.self,
    ScatterND.self,
    TensorScatter.self,
    Trilu.self,
    Unique.self,
  ]
}
