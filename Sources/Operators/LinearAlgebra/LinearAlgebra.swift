import Graphs

/// Matrix products and what is made of them.
enum LinearAlgebra {
  static let operators: [any Operator.Type] = [
    Attention.self,
    AttentionGradient.self,
    Det.self,
    Einsum.self,
    FlexAttention.self,
    Gemm.self,
    LinearAttention.self,
    MatMul.self,
    RotaryEmbedding.self,
  ]
}
