import Tensors
import Training

/// Images in another size, by a mean of four pixels or the nearest one, without antialiasing.
///
/// - Output: `height` by `width`. - `cropsToRatio`: whether the middle part of the same ratio of
///   sides is taken, so that nothing is distorted.
/// - Source: Keras 3 Resizing, interpolations `bilinear` and `nearest`.
public final class Resizing: ImageLayer {
  /// The height of the result.
  public let height: Int
  /// The width of the result.
  public let width: Int
  /// Whether the nearest pixel is taken.
  public let isNearest: Bool
  /// Whether what would distort is cut off.
  public let cropsToRatio: Bool

  public init(
    _ height: Int, _ width: Int, isNearest: Bool = false, cropsToRatio: Bool = false,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.height = height
    self.width = width
    self.isNearest = isNearest
    self.cropsToRatio = cropsToRatio
    super.init(dataFormat: dataFormat)
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(height, "the height")
    try checked(width, "the width")
  }
  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try resized(shape, height, width)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let real = try x.cast(to: dtype)
    let (h, w) = (real.shape[heightAxis], real.shape[heightAxis + 1])
    if cropsToRatio { return try middle(real, h, w, height, width, nearest: isNearest) }
    if h == height, w == width { return real }
    return try real.resized(
      height: height, width: width, firstAxis: heightAxis, nearest: isNearest)
  }

  public override var configuration: [(name: String, value: String)] {
    [("height", "\(height)"), ("width", "\(width)")]
  }
}
