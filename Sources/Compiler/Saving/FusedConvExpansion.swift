import Graphs
import Operators
import Tensors

extension FusedConv {
  /// The convolution, the sum and the function on their own, for runtimes that lack the function.
  ///
  /// Errors: `.unsupported` for a function without an operator of ONNX.
  func expand<B: Builder>(_ b: B, _ inputs: [B.Value?]) throws(EngineError) -> B.Value {
    var y = try b.apply(conv, inputs: Array(inputs.prefix(3)))
    if inputs.count > 3, let z = inputs[3] { y = try b.apply(Add(), y, z) }
    let p = activation.parameters
    func number(_ i: Int) -> Float { i < p.count ? p[i] : 0 }
    switch activation.name {
    case "": return y
    case "Clip": return try b.apply(Clip(lower: number(0), upper: number(1)), y)
    case "Elu": return try b.apply(Elu(alpha: number(0)), y)
    case "Gelu": return try b.apply(Gelu(), y)
    case "GeluTanh": return try b.apply(Gelu(isTanh: true), y)
    case "HardSigmoid": return try b.apply(HardSigmoid(alpha: number(0), beta: number(1)), y)
    case "HardSwish": return try b.apply(HardSwish(), y)
    case "LeakyRelu": return try b.apply(LeakyRelu(alpha: number(0)), y)
    case "Mish": return try b.apply(Mish(), y)
    case "Relu": return try b.apply(Relu(), y)
    case "Selu": return try b.apply(Selu(alpha: number(0), gamma: number(1)), y)
    case "Sigmoid": return try b.apply(Sigmoid(), y)
    case "Softplus": return try b.apply(Softplus(), y)
    case "Softsign": return try b.apply(Softsign(), y)
    // Swish came with opset 24; the product is as old as the format.
    case "Swish" where number(0) == 1: return try b.apply(Mul(), y, b.apply(Sigmoid(), y))
    case "Swish": return try b.apply(Swish(alpha: number(0)), y)
    case "Tanh": return try b.apply(Tanh(), y)
    case "ThresholdedRelu": return try b.apply(ThresholdedRelu(alpha: number(0)), y)
    default:
      throw EngineError(.unsupported, "the function has no operator", received: activation.name)
    }
  }
}
