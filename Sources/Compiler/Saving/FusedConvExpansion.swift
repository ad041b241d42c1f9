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
    return try activation.expand(b, y)
  }
}

extension Builder {
  /// `x` times a number, in the type of `x`.
  ///
  /// Errors: `.unsupported` where that is not known or not a float.
  func scaled(_ x: Value, by factor: Float) throws(EngineError) -> Value {
    let number: Tensor
    switch fact(of: x).dtype {
    case .float32: number = try Tensor(scalar: factor)
    case .float64: number = try Tensor(scalar: Double(factor))
    case .float16: number = try Tensor(scalar: Float16(factor))
    case .bfloat16: number = try Tensor(scalar: BFloat16(factor))
    default: throw EngineError(.unsupported, "a factor needs a float to scale")
    }
    return try apply(Mul(), x, constant(number))
  }
}
