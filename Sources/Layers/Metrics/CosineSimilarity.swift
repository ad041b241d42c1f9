import Tensors
import Training

/// The mean cosine of the angle between predictions and targets along the last axis.
///
/// - Source: Keras 3 CosineSimilarity, the metric, which is the loss turned round.
public final class CosineSimilarity: Metric {
  private let mean = MeanMetric(.cosineSimilarity)

  public init(name: String = "cosine_similarity", output: Int = 0) {
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
  public override var result: Double { -mean.result }
  public override func reset() { mean.reset() }
}
