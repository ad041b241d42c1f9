import Tensors
import Training

/// `x` above 0, `slope x` below. - Source: Keras 3 LeakyReLU.
public final class LeakyReLU: Layer {
  /// The slope below.
  public let slope: Double

  public init(slope: Double = 0.3) {
    self.slope = slope
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    shape
  }
  public override var passesMask: Bool { true }
  public override func forward(_ x: Tensor) throws -> Tensor {
    try x.leakyRelu(slope: Float(slope))
  }
}
