import Graphs
import Kernels
import Tensors

extension FusedActivation {
  /// The function's kernel; nil for Clip, for none, and for types without one.
  func kernel(_ dtype: DType) -> UnaryKernel? {
    unary.flatMap {
      UnaryKernel(
        $0, dtype, Double(parameters.first ?? 0), Double(parameters.count > 1 ? parameters[1] : 0))
    }
  }

  /// The function with operators of ONNX.
  ///
  /// Errors: `.unsupported` for a name without one.
  public func expand<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
    let p = parameters.first ?? 0
    let q = parameters.count > 1 ? parameters[1] : 0
    switch name {
    case "": return x
    case "Clip": return try b.apply(Clip(lower: p, upper: q), x)
    case "Elu": return try b.apply(Elu(alpha: p), x)
    case "Gelu": return try b.apply(Gelu(), x)
    case "GeluTanh": return try b.apply(Gelu(isTanh: true), x)
    case "HardSigmoid": return try b.apply(HardSigmoid(alpha: p, beta: q), x)
    case "HardSwish": return try b.apply(HardSwish(), x)
    case "LeakyRelu": return try b.apply(LeakyRelu(alpha: p), x)
    case "Mish": return try b.apply(Mish(), x)
    case "ParametricSoftplus":
      return try times(b, b.apply(Softplus(), times(b, x, Double(q))), Double(p))
    case "Relu": return try b.apply(Relu(), x)
    case "ScaledTanh": return try times(b, b.apply(Tanh(), times(b, x, Double(q))), Double(p))
    case "Selu": return try b.apply(Selu(alpha: p, gamma: q), x)
    case "Sigmoid": return try b.apply(Sigmoid(), x)
    case "Softplus": return try b.apply(Softplus(), x)
    case "Softsign": return try b.apply(Softsign(), x)
    case "Swish": return try b.apply(Swish(alpha: p), x)
    case "Tanh": return try b.apply(Tanh(), x)
    case "ThresholdedRelu": return try b.apply(ThresholdedRelu(alpha: p), x)
    default:
      throw EngineError(.unsupported, "the activation has no expansion", received: name)
    }
  }
}
