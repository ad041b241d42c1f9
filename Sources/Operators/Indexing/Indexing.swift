import Graphs

/// Operators that pick elements by index or condition.
enum Indexing {
  static let operators: [any Operator.Type] = [
    Compress.self,
    EyeLike.self,
    Gather.self,
    GatherElements.self,
    GatherND.self,
    NonZero.self,
    OneHot.self,
    ReverseSequence.self,
    Scatter.self,
    ScatterElements.self,
    ScatterND.self,
    Trilu.self,
    Unique.self,
  ]
}
