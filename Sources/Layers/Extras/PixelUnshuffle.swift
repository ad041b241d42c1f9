import Tensors
import Training

/// Pixels turned into channels: `[N, C, H, W]` to `[N, C factor^2, H / factor, W / factor]`.
///
/// - Errors: `.shape` where the factor does not divide a size. - Source: torch PixelUnshuffle.
public final class PixelUnshuffle: Layer {
  /// What it multiplies by.
  public let factor: Int

  public init(_ factor: Int) {
    self.factor = factor
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(factor, "the factor")
    try expect(shape, rank: 4...4)
    for axis in 2...3 where (shape[axis] ?? 0) % factor != 0 {
      throw EngineError(
        .shape, "the factor does not divide the size along axis \(axis)",
        expected: "a multiple of \(factor)", received: "\(shape)")
    }
    return [
      shape[0], shape[1].map { $0 * factor * factor }, shape[2].map { $0 / factor },
      shape[3].map { $0 / factor },
    ]
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let (h, w) = (x.shape[2] / factor, x.shape[3] / factor)
    return try x.reshape(copying: [0, 0, h, factor, w, factor])
      .transpose([0, 1, 3, 5, 2, 4]).reshape(copying: [0, x.shape[1] * factor * factor, h, w])
  }
}
