import Graphs

/// What the compiler makes of chains of operators: domain ai.dlrun.
enum Fused {
  static let domain = "ai.dlrun"

  static let operators: [any Operator.Type] = [
    BlockLinear.self,
    CodeTable.self,
    ElementwiseChain.self,
    FusedAttention.self,
    FusedLinear.self,
    PackedAttentionGradient.self,
    QuantizedAttention.self,
    QuantizedLinear.self,
  ]
}
