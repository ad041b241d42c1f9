import Tensors
import Training

/// How many samples have their class among the `k` likeliest ones: targets are class numbers or
/// distributions.
///
/// - Source: Keras 3 TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy.
public final class TopKAccuracy: Metric {
  /// How many classes count.
  public let k: Int
  private var sum = WeightedSum()

  public init(_ k: Int = 5, name: String? = nil, output: Int = 0) {
    self.k = k
    super.init(name ?? "top_\(k)_accuracy", output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let width = max(
      predictions.shape.rank > 0 ? predictions.shape[predictions.shape.rank - 1] : 1, 1)
    let (p, t) = (try numbers(predictions), try numbers(targets))
    let rows = p.count / width
    let want = targets.shape == predictions.shape ? largest(t, width) : t.map { Int($0) }
    guard want.count == rows, want.allSatisfy({ $0 >= 0 && $0 < width }) else {
      throw EngineError(
        .shape, "targets are not one class a sample", expected: "\(rows) classes below \(width)",
        received: "\(targets.shape)")
    }
    let w = try self.weights(weights, rows)
    for r in 0..<rows {
      let own = p[r * width + want[r]]
      var above = 0
      for i in 0..<width where p[r * width + i] > own { above += 1 }
      sum.add(above < k ? 1 : 0, w.map { $0[r] } ?? 1)
    }
  }
  public override var result: Double { sum.mean }
  public override func reset() { sum.reset() }
}
