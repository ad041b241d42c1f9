import Graphs

/// Matrix products and what is made of them.
enum LinearAlgebra {
  static let operators: [any Operator.Type] = [
    Attention.self,
    Det.self,
    Einsum.self,
    Gemm.self,
    MatMul.self,
    RotaryEmbedding.self,
  ]
}
