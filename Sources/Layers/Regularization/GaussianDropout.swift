import Tensors
import Training

/// Elements multiplied by normal numbers of mean 1 and variance `rate / (1 - rate)`, in training.
///
/// - Errors: `.attribute` for a rate outside 0..<1. - Source: Keras 3 GaussianDropout.
public final class GaussianDropout: Layer {
  /// The share that is dropped.
  public let rate: Double

  public init(_ rate: Double) {
    self.rate = rate
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(rate: rate)
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    guard isTraining, rate > 0 else { return x }
    let deviation = (rate / (1 - rate)).squareRoot()
    return try x * x.detached().normalLike(mean: 1, deviation: deviation)
  }
}
