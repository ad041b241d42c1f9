import Graphs

/// Fused and helper operators of domain com.microsoft.
enum ContribFusions {
  static let operators: [any Operator.Type] = [
    BiasDropout.self, CDist.self, ComplexMul.self, ComplexMulConj.self, ContribGatherND.self,
    ContribGridSample.self, ContribPad.self, ContribRange.self, ContribTrilu.self,
    ContribUnique.self, ConvTransposeWithDynamicPads.self, CropAndResize.self,
    DynamicTimeWarping.self, ExpandDims.self, FusedConv.self, FusedGemm.self, FusedMatMul.self,
    FusedMatMulActivation.self, Inverse.self, Irfft.self, IsAllFinite.self, MurmurHash3.self,
    NhwcConv.self, NhwcFusedConv.self, NhwcMaxPool.self, Rfft.self, SampleOp.self,
    TorchEmbedding.self, TransposeMatMul.self, UnfoldTensor.self,
  ]
}
