import Tensors
import Training

/// Channels turned into pixels: `[N, C factor^2, H, W]` to `[N, C, H factor, W factor]`. Shi et al.
/// 2016.
///
/// - Errors: `.shape` where `factor^2` does not divide the channels. - Source: torch PixelShuffle.
public final class PixelShuffle: Layer {
  /// What it multiplies by.
  public let factor: Int

  public init(_ factor: Int) {
    self.factor = factor
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(factor, "the factor")
    try expect(shape, rank: 4...4)
    let n = try size(of: shape, 1)
    guard n % (factor * factor) == 0 else {
      throw EngineError(
        .shape, "the channels do not make pixels", expected: "a multiple of \(factor * factor)",
        received: "\(n) in \(shape)")
    }
    return [
      shape[0], n / (factor * factor), shape[2].map { $0 * factor }, shape[3].map { $0 * factor },
    ]
  }
  public override func forward(_ x: Tensor) throws -> Tensor { try x.pixelShuffle(factor) }
}
