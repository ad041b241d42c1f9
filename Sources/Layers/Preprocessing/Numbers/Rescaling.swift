import Tensors
import Training

/// Numbers times a factor, with something added: `x scale + offset`, as the layer's dtype.
///
/// - Input: numbers of any type and shape, whole ones too. - Source: Keras 3 Rescaling.
public final class Rescaling: Layer {
  /// The factor.
  public let scale: Double
  /// What is added.
  public let offset: Double

  public init(_ scale: Double, offset: Double = 0) {
    self.scale = scale
    self.offset = offset
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    try x.cast(to: dtype) * scale + offset
  }

  public override var configuration: [(name: String, value: String)] {
    [("scale", text(scale)), ("offset", text(offset))]
  }
}
