import Tensors
import Training

/// An activation function as a layer.
public final class Activation: Layer {
  /// The activation function.
  public let function: ActivationFunction

  public init(_ function: ActivationFunction) {
    self.function = function
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    guard function.name == "glu", let n = shape[-1] else { return shape }
    guard n % 2 == 0 else {
      throw EngineError(
        .shape, "the last axis cannot be halved", expected: "an even size", received: "\(shape)")
    }
    var result = shape
    result[-1] = n / 2
    return result
  }
  public override var passesMask: Bool { true }
  public override func forward(_ x: Tensor) throws -> Tensor { try function(x) }
  public override var configuration: [(name: String, value: String)] {
    [("function", function.name)]
  }
}
