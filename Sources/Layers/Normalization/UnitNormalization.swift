import Tensors
import Training

/// Vectors along axes brought to length 1: `x / sqrt(max(sum(x^2), 1e-12))`.
///
/// - Source: Keras 3 UnitNormalization.
public final class UnitNormalization: Layer {
  /// The number of spatial axes.
  public let axes: [Int]

  public init(axes: [Int] = [-1]) {
    self.axes = axes
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    for axis in axes { _ = try place(axis, rank: shape.rank) }
    return shape
  }
  public override var passesMask: Bool { true }
  public override func forward(_ x: Tensor) throws -> Tensor {
    try x / x.sumOfSquares(axes: axes, keepDims: true).maximum(1e-12).squareRoot()
  }
}
