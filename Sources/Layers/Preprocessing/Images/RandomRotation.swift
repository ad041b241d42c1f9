import Tensors
import Training

/// Images turned about their middle by a random angle, in training.
///
/// - `factor`: of a whole turn, counter-clockwise; `0.1` for -36 to 36 degrees, or a range.
/// - Errors: `.attribute` beyond -1...1. - Source: Keras 3 RandomRotation, whose positive angles
///   turn counter-clockwise.
public final class RandomRotation: RandomTransform {
  /// Shares of a whole turn.
  public let factor: ClosedRange<Double>

  public init(
    _ factor: ClosedRange<Double>, fill: ImageFill = .reflect, isNearest: Bool = false,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.factor = factor
    super.init(fill: fill, isNearest: isNearest, dataFormat: dataFormat)
  }
  public convenience init(
    _ factor: Double, fill: ImageFill = .reflect, isNearest: Bool = false,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.init(
      -abs(factor)...abs(factor), fill: fill, isNearest: isNearest, dataFormat: dataFormat)
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(factor, within: -1...1, "the share of a turn")
  }

  override func map(_ x: Tensor, height: Int, width: Int) throws -> [Tensor] {
    let angle = try drawn(x, factor) * (2 * Double.pi)
    let (c, s) = (try angle.cos(), try angle.sin())
    // Pixels are turned, so places along the axes are brought to one length first.
    let (h, w) = (Double(max(height, 1)), Double(max(width, 1)))
    let zero = try c * 0
    return [c, try s * (-h / w), zero, try s * (w / h), c, zero]
  }
}
