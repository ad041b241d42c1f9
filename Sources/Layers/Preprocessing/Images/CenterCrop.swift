import Tensors
import Training

/// The middle of images; images that are too small are cut to the ratio of sides and resized.
///
/// - Output: `height` by `width`. - Source: Keras 3 CenterCrop.
public final class CenterCrop: ImageLayer {
  /// The height of the result.
  public let height: Int
  /// The width of the result.
  public let width: Int

  public init(_ height: Int, _ width: Int, dataFormat: DataFormat = .channelsFirst) {
    self.height = height
    self.width = width
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
    guard h >= height, w >= width else { return try middle(real, h, w, height, width) }
    let (top, left) = ((h - height) / 2, (w - width) / 2)
    return try real.slice(
      axes: [heightAxis, heightAxis + 1], from: [top, left], to: [top + height, left + width])
  }

  public override var configuration: [(name: String, value: String)] {
    [("height", "\(height)"), ("width", "\(width)")]
  }
}
