import Tensors
import Training

/// The mean of a loss over elements.
///
/// - Source: Keras 3's metrics of the losses' names.
public final class MeanMetric: Metric {
  private let loss: LossFunction
  private var sum = WeightedSum()

  public init(_ loss: LossFunction, name: String? = nil, output: Int = 0) {
    self.loss = loss
    super.init(name ?? loss.name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let values = try loss.elements(predictions, targets)
    guard let list = try self.weights(weights, values.count) else {
      sum.add(try values.mean().scalar(), Double(values.count))
      return
    }
    for (v, w) in zip(try numbers(values), list) { sum.add(v, w) }
  }
  public override func batchMean(
    _ predictions: Tensor, _ targets: Tensor
  ) throws -> (mean: Tensor, count: Int)? {
    let values = try loss.elements(predictions, targets)
    return (try values.mean(), values.count)
  }
  public override func add(mean: Double, count: Double) { sum.add(mean, count) }
  public override var result: Double { sum.mean }
  public override func reset() { sum.reset() }
}
