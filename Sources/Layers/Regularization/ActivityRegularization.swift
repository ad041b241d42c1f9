import Tensors
import Training

/// Its input, whose size is added to the loss in training: `l1 sum(|x|) + l2 sum(x^2)`.
///
/// - Source: Keras 3 ActivityRegularization.
public final class ActivityRegularization: Layer {
  /// The factor of magnitudes.
  public let l1: Double
  /// The factor of squares.
  public let l2: Double

  public init(l1: Double = 0, l2: Double = 0) {
    self.l1 = l1
    self.l2 = l2
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    if l1 != 0 { try addLoss(x.absolute().sum() * l1) }
    if l2 != 0 { try addLoss(x.squared().sum() * l2) }
    return x
  }
}
