import Graphs

/// Comparisons, logic and selection.
enum Comparison {
  static let operators: [any Operator.Type] = [
    And.self,
    Equal.self,
    Greater.self,
    GreaterOrEqual.self,
    IsInf.self,
    IsNaN.self,
    Less.self,
    LessOrEqual.self,
    Not.self,
    Or.self,
    Where.self,
    Xor.self,
  ]
}
