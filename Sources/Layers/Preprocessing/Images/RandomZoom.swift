import Tensors
import Training

/// Images zoomed about their middle at random, in training: 0.2 is 20 % smaller, -0.2 larger.
///
/// - `height`, `width`: what a side's length is changed by; without `width` both as the height.
/// - Errors: `.attribute` for factors of -1 and below. - Source: Keras 3 RandomZoom.
public final class RandomZoom: RandomTransform {
  /// What the height is changed by.
  public let height: ClosedRange<Double>
  /// What the width is changed by; nil for as the height.
  public let width: ClosedRange<Double>?

  public init(
    height: ClosedRange<Double>, width: ClosedRange<Double>? = nil, fill: ImageFill = .reflect,
    isNearest: Bool = false, dataFormat: DataFormat = .channelsFirst
  ) {
    self.height = height
    self.width = width
    super.init(fill: fill, isNearest: isNearest, dataFormat: dataFormat)
  }
  public convenience init(
    _ factor: Double, fill: ImageFill = .reflect, isNearest: Bool = false,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.init(
      height: -abs(factor)...abs(factor), fill: fill, isNearest: isNearest,
      dataFormat: dataFormat)
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    for range in [height, width ?? height] {
      guard range.lowerBound > -1 else {
        throw EngineError(
          .attribute, "the zoom is out of range", expected: "above -1", received: "\(range)")
      }
    }
  }

  override func map(_ x: Tensor, height: Int, width: Int) throws -> [Tensor] {
    let zy = try drawn(x, self.height) + 1
    let zx = try self.width.map { try drawn(x, $0) + 1 } ?? zy
    let zero = try zy * 0
    return [zx, zero, zero, zero, zy, zero]
  }
}
