import Graphs

/// Operators that bring elements to a common scale.
enum Normalization {
  static let operators: [any Operator.Type] = [
    BatchNormalization.self,
    BatchNormalizationGradient.self,
    GroupNormalization.self,
    InstanceNormalization.self,
    LRN.self,
    LayerNormalization.self,
    LayerNormalizationGradient.self,
    LpNormalization.self,
    MeanVarianceNormalization.self,
    RMSNormalization.self,
  ]
}
