import Tensors
import Training

/// `x` above 0, `alpha (e^x - 1)` below. - Source: Keras 3 ELU.
public final class ELU: Layer {
  /// The slope or factor named in the formula.
  public let alpha: Double

  public init(alpha: Double = 1) {
    self.alpha = alpha
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    shape
  }
  public override var passesMask: Bool { true }
  public override func forward(_ x: Tensor) throws -> Tensor { try x.elu(alpha: Float(alpha)) }
}
