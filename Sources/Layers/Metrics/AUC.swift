import Tensors
import Training

/// The area under the curve of true over false positives: the probability that a sample of the
/// second class gets a higher prediction than one of the first, ties counting half.
///
/// - Exact, from all predictions since `reset`, which are kept: 16 bytes each. Keras' is an
///   approximation by 200 thresholds.
/// - Edges: 0 where one class is missing.
public final class AUC: Metric {
  private var samples: [(prediction: Double, isSecond: Bool, weight: Double)] = []

  public init(name: String = "auc", output: Int = 0) { super.init(name, output: output) }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let (p, t) = try pairs(predictions, targets)
    let w = try self.weights(weights, p.count)
    samples.reserveCapacity(samples.count + p.count)
    for i in p.indices { samples.append((p[i], t[i] > 0.5, w.map { $0[i] } ?? 1)) }
  }

  public override var result: Double {
    let sorted = samples.sorted { $0.prediction < $1.prediction }
    var (below, area, positives, i) = (0.0, 0.0, 0.0, 0)
    while i < sorted.count {
      // Equal predictions stand together.
      var (first, second) = (0.0, 0.0)
      let value = sorted[i].prediction
      while i < sorted.count, sorted[i].prediction == value {
        if sorted[i].isSecond { second += sorted[i].weight } else { first += sorted[i].weight }
        i += 1
      }
      area += second * (below + first / 2)
      below += first
      positives += second
      if value.isNaN { return .nan }
    }
    return below == 0 || positives == 0 ? 0 : area / (below * positives)
  }
  public override func reset() { samples = [] }
}
