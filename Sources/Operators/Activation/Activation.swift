import Graphs

/// Elementwise functions that networks put after their layers.
enum Activation {
  static let operators: [any Operator.Type] = [
    Celu.self,
    Elu.self,
    Gelu.self,
    GeluSlope.self,
    HardSigmoid.self,
    HardSwish.self,
    LeakyRelu.self,
    Mish.self,
    PRelu.self,
    Relu.self,
    Selu.self,
    Shrink.self,
    Sigmoid.self,
    Softplus.self,
    Softsign.self,
    SwiGLU.self,
    Swish.self,
    Tanh.self,
    ThresholdedRelu.self,
  ]
}
