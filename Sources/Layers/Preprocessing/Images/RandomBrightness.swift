import Tensors
import Training

/// Images made brighter or darker at random, in training, cut off at the range of values.
///
/// - `factor`: of the range, what is added; one number for both directions, or a range.
///   `values`: of pixels.
/// - Errors: `.attribute` beyond -1...1. - Source: Keras 3 RandomBrightness.
public final class RandomBrightness: ImageLayer {
  /// Shares of the range of pixels.
  public let factor: ClosedRange<Double>
  /// The range of pixels.
  public let values: ClosedRange<Double>

  public init(
    _ factor: ClosedRange<Double>, values: ClosedRange<Double> = 0...255,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.factor = factor
    self.values = values
    super.init(dataFormat: dataFormat)
  }
  public convenience init(
    _ factor: Double, values: ClosedRange<Double> = 0...255,
    dataFormat: DataFormat = .channelsFirst
  ) { self.init(-abs(factor)...abs(factor), values: values, dataFormat: dataFormat) }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(factor, within: -1...1, "the share of the range")
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let real = try x.cast(to: dtype)
    guard isTraining else { return real }
    let more = try drawn(real, factor) * (values.upperBound - values.lowerBound)
    return try (real + more).clipped(values.lowerBound, values.upperBound)
  }
}
