import Tensors
import Training

/// `e^x / sum(e^x)` along an axis. Places that a mask leaves out get next to nothing.
///
/// - Source: Keras 3 Softmax.
public final class Softmax: Layer {
  /// The axis that it works along.
  public let axis: Int

  public init(axis: Int = -1) {
    self.axis = axis
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    _ = try place(axis, rank: shape.rank)
    return shape
  }
  public override var passesMask: Bool { true }
  public override func forward(_ x: Tensor) throws -> Tensor { try x.softmax(axis: axis) }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    var x = try input.first()
    if let mask = input.mask, mask.shape.rank == x.shape.rank {
      x = try x.maskedFill(mask.logicalNot(), -3e4)
    }
    return LayerOutput(try forward(x), mask: input.mask)
  }
}
