import Tensors
import Training

/// The square root of the mean of squared differences.
///
/// - Source: Keras 3 RootMeanSquaredError.
public final class RootMeanSquaredError: Metric {
  private let mean = MeanMetric(.meanSquaredError)

  public init(name: String = "root_mean_squared_error", output: Int = 0) {
    super.init(name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws { try mean.update(predictions, targets, weights) }
  public override func batchMean(
    _ predictions: Tensor, _ targets: Tensor
  ) throws -> (mean: Tensor, count: Int)? { try mean.batchMean(predictions, targets) }
  public override func add(mean value: Double, count: Double) {
    mean.add(mean: value, count: count)
  }
  public override var result: Double { mean.result.squareRoot() }
  public override func reset() { mean.reset() }
}
