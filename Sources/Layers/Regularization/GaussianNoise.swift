import Tensors
import Training

/// Normal numbers of mean 0 added to elements, in training.
///
/// - Errors: `.attribute` for a negative deviation. - Source: Keras 3 GaussianNoise.
public final class GaussianNoise: Layer {
  /// The standard deviation.
  public let deviation: Double

  public init(_ deviation: Double) {
    self.deviation = deviation
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    guard deviation >= 0 else {
      throw EngineError(
        .attribute, "the deviation is negative", expected: "0 or more", received: "\(deviation)")
    }
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    guard isTraining, deviation > 0 else { return x }
    return try x + x.detached().normalLike(deviation: deviation)
  }
}
