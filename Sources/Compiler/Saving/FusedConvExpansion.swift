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
    // Swish came with opset 24; the product is as old as the format.
    if activation.name == "Swish", activation.parameters.first == 1 {
      return try b.apply(Mul(), y, b.apply(Sigmoid(), y))
    }
    return try activation.expand(b, y)
  }
}
