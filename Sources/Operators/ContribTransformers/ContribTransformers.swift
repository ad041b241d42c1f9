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
    DecoderMaskedSelfAttention.self,
    EmbedLayerNormalization.self,
    FastGelu.self,
    GatedRelativePositionBias.self,
    GroupNorm.self,
    GroupQueryAttention.self,
    MoE.self,
    MultiHeadAttention.self,
    NGramRepeatBlock.self,
    QuickGelu.self,
    RelativePositionBias.self,
    SimplifiedLayerNormalization.self,
    SkipGroupNorm.self,
    SkipLayerNormalization.self,
    SkipSimplifiedLayerNormalization.self,
  ]
}
