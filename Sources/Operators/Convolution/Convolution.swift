import Graphs

/// Convolutions of every kind.
enum Convolution {
  static let operators: [any Operator.Type] = [
    CausalConvWithState.self,
    Col2Im.self,
    Conv.self,
    ConvInputGradient.self,
    ConvTranspose.self,
    ConvWeightGradient.self,
    DeformConv.self,
  ]
}
