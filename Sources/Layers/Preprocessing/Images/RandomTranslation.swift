import Tensors
import Training

/// Images moved at random, in training.
///
/// - `height`, `width`: shares of a side, down and to the right where above 0; one number for both
///   directions, or a range.
/// - Errors: `.attribute` beyond -1...1. - Source: Keras 3 RandomTranslation.
public final class RandomTranslation: RandomTransform {
  /// Shares of the height.
  public let height: ClosedRange<Double>
  /// Shares of the width.
  public let width: ClosedRange<Double>

  public init(
    height: ClosedRange<Double>, width: ClosedRange<Double>, fill: ImageFill = .reflect,
    isNearest: Bool = false, dataFormat: DataFormat = .channelsFirst
  ) {
    self.height = height
    self.width = width
    super.init(fill: fill, isNearest: isNearest, dataFormat: dataFormat)
  }
  public convenience init(
    _ height: Double, _ width: Double, fill: ImageFill = .reflect, isNearest: Bool = false,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.init(
      height: -abs(height)...abs(height), width: -abs(width)...abs(width), fill: fill,
      isNearest: isNearest, dataFormat: dataFormat)
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    for range in [height, width] { try checked(range, within: -1...1, "the share of a side") }
  }

  override func map(_ x: Tensor, height: Int, width: Int) throws -> [Tensor] {
    let (dy, dx) = (try drawn(x, self.height) * -2, try drawn(x, self.width) * -2)
    let zero = try dy * 0
    let one = try zero + 1
    return [one, zero, dx, zero, one, dy]
  }
}
