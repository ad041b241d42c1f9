import Graphs

/// Attention and embedding of domain com.microsoft, as optimised transformers contain them.
enum ContribTransformers {
  static let domain = "com.microsoft"

  static let operators: [any Operator.Type] = [
    BiasAdd.self,
    BiasGelu.self,
    BiasSoftmax.self,
    BiasSplitGelu.self,
    ContribAttention.self,
    ContribGelu.self,
    ContribRotaryEmbedding.self,
    DecoderMaskedMultiHeadAttention.self,
    EmbedLayerNormalization.self,
    FastGelu.self,
    GroupQueryAttention.self,
    MultiHeadAttention.self,
    QuickGelu.self,
    SimplifiedLayerNormalization.self,
    SkipLayerNormalization.self,
    SkipSimplifiedLayerNormalization.self,
  ]
}
