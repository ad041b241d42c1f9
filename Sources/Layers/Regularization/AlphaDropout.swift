import Tensors
import Training

/// Dropout that keeps mean and variance of what `selu` gives: dropped elements become its lower
/// bound, and all are scaled and shifted. Klambauer et al. 2017.
///
/// - Errors: `.attribute` for a rate outside 0..<1. - Source: Keras 3 AlphaDropout.
public final class AlphaDropout: Layer {
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
    let bound = -1.6732632423543772 * 1.0507009873554805
    let a = 1 / ((1 - rate) * (1 + rate * bound * bound)).squareRoot()
    let b = -a * bound * rate
    let kept = try x.detached().uniformLike().isGreaterOrEqual(to: rate).cast(to: x.dtype)
    return try (x * kept + (1 - kept) * bound) * a + b
  }
}
