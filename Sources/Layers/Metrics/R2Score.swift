import Tensors
import Training

/// The share of the targets' variance that predictions explain: 1 for perfect ones, 0 for the mean.
///
/// - Over each output by itself, then the mean of outputs. - Edges: 0 where targets do not vary.
/// - Source: Keras 3 R2Score.
public final class R2Score: Metric {
  /// By output: weights, targets, their squares, squared errors.
  private var sums: [(n: Double, t: Double, tt: Double, e: Double)] = []

  public init(name: String = "r2_score", output: Int = 0) { super.init(name, output: output) }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let (p, t) = try pairs(predictions, targets)
    let width = max(
      predictions.shape.rank > 1 ? predictions.shape[predictions.shape.rank - 1] : 1, 1)
    if sums.count != width { sums = .init(repeating: (0, 0, 0, 0), count: width) }
    let list = try self.weights(weights, p.count)
    for i in p.indices {
      let w = list.map { $0[i] } ?? 1
      sums[i % width].n += w
      sums[i % width].t += w * t[i]
      sums[i % width].tt += w * t[i] * t[i]
      sums[i % width].e += w * (p[i] - t[i]) * (p[i] - t[i])
    }
  }

  public override var result: Double {
    guard !sums.isEmpty else { return 0 }
    let scores = sums.map { s in
      let whole = s.tt - s.t * s.t / s.n
      return whole > 0 ? 1 - s.e / whole : 0
    }
    return scores.reduce(0, +) / Double(scores.count)
  }
  public override func reset() { sums = [] }
}
