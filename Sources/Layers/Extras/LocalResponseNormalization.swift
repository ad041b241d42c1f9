import Tensors
import Training

/// Each element divided by a power of the squares of the channels around it. Krizhevsky et al.
/// 2012.
///
/// - Input: `[N, C, ...]`. - Source: torch LocalResponseNorm, ONNX LRN.
public final class LocalResponseNormalization: Layer {
  /// The size of a vector, or of a window.
  public let size: Int
  /// The slope or factor named in the formula.
  public let alpha: Double
  /// The shift; nil without.
  public let beta: Double
  /// Added to the result; nil without.
  public let bias: Double

  public init(_ size: Int, alpha: Double = 1e-4, beta: Double = 0.75, bias: Double = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(size, "the number of channels")
    try expect(shape, rank: 3...Shape.maxRank)
    return shape
  }
  public override func forward(_ x: Tensor) throws -> Tensor {
    try x.localResponseNorm(
      size: size, alpha: Float(alpha), beta: Float(beta), bias: Float(bias))
  }
}
