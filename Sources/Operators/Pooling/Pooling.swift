import Graphs

/// Operators that fold windows of spatial axes.
enum Pooling {
  static let operators: [any Operator.Type] = [
    AveragePool.self,
    GlobalAveragePool.self,
    GlobalLpPool.self,
    GlobalMaxPool.self,
    LpPool.self,
    MaxPool.self,
    MaxPoolGradient.self,
    MaxUnpool.self,
    WindowSpread.self,
    WindowSum.self,
  ]
}
