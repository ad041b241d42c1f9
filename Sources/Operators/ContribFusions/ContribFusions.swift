import Graphs

/// Fused and helper operators of domain com.microsoft.
enum ContribFusions {
  static let operators: [any Operator.Type] = [
    ContribTrilu.self, FusedConv.self, FusedGemm.self, FusedMatMul.self,
    FusedMatMulActivation.self, NhwcConv.self, NhwcFusedConv.self, NhwcMaxPool.self,
    TransposeMatMul.self,
  ]
}
