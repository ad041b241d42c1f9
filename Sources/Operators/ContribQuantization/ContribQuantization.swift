import Graphs

/// Quantised operators of domain com.microsoft.
enum ContribQuantization {
  static let operators: [any Operator.Type] = [
    ContribDequantizeLinear.self, ContribQLinearConv.self, ContribQuantizeLinear.self,
    DynamicQuantizeLSTM.self, DynamicQuantizeMatMul.self, GatherBlockQuantized.self,
    MatMulBnb4.self, MatMulIntegerToFloat.self, MatMulNBits.self, MulInteger.self, QAttention.self,
    QEmbedLayerNormalization.self, QGemm.self, QLinearAdd.self, QLinearAveragePool.self,
    QLinearConcat.self, QLinearGlobalAveragePool.self, QLinearLeakyRelu.self, QLinearMul.self,
    QLinearReduceMean.self, QLinearSigmoid.self, QLinearSoftmax.self, QLinearWhere.self,
    ReduceSumInteger.self,
  ]
}
