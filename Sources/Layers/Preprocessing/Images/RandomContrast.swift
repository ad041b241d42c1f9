import Tensors
import Training

/// Images with another contrast at random, in training: `(x - mean) f + mean`, the mean that of
/// each channel, cut off at the range of values.
///
/// - `lower`, `upper`: `f` is drawn from `1 - lower ... 1 + upper`. - `values`: of pixels.
/// - Errors: `.attribute` for a lower factor beyond 0...1, or one below 0.
/// - Source: Keras 3 RandomContrast.
public final class RandomContrast: ImageLayer {
  /// What 1 is lessened by at most.
  public let lower: Double
  /// What 1 is raised by at most.
  public let upper: Double
  /// The range of pixels.
  public let values: ClosedRange<Double>

  public init(
    lower: Double, upper: Double, values: ClosedRange<Double> = 0...255,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.lower = lower
    self.upper = upper
    self.values = values
    super.init(dataFormat: dataFormat)
  }
  public convenience init(
    _ factor: Double, values: ClosedRange<Double> = 0...255,
    dataFormat: DataFormat = .channelsFirst
  ) { self.init(lower: factor, upper: factor, values: values, dataFormat: dataFormat) }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    guard lower >= 0, lower <= 1, upper >= 0 else {
      throw EngineError(
        .attribute, "the change of contrast is out of range",
        expected: "lower 0...1, upper 0 or more", received: "\(lower), \(upper)")
    }
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let real = try x.cast(to: dtype)
    guard isTraining else { return real }
    let mean = try real.mean(axes: [heightAxis, heightAxis + 1], keepDims: true)
    let factor = try drawn(real, (1 - lower)...(1 + upper))
    return try ((real - mean) * factor + mean).clipped(values.lowerBound, values.upperBound)
  }
}
