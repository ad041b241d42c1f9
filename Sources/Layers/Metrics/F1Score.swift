import Tensors
import Training

/// The harmonic mean of precision and recall, or with `beta` one that weighs recall more.
///
/// - Of two classes by `threshold`; of several, one-hot or by number, the likeliest one counts, and
///   the mean over classes is taken, or with `.micro` over all samples.
/// - Source: Keras 3 F1Score, FBetaScore.
public final class F1Score: Metric {
  /// How classes are taken together.
  public enum Averaging: Sendable { case macro, micro }

  /// The shift; nil without.
  public let beta: Double
  /// Above it the second class is predicted.
  public let threshold: Double
  /// How classes are taken together.
  public let averaging: Averaging
  /// By class: right, wrongly said, missed.
  private var counts: [(hit: Double, extra: Double, missed: Double)] = []

  public init(
    beta: Double = 1, threshold: Double = 0.5, averaging: Averaging = .macro,
    name: String = "f1_score", output: Int = 0
  ) {
    self.beta = beta
    self.threshold = threshold
    self.averaging = averaging
    super.init(name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let width = max(
      predictions.shape.rank > 0 ? predictions.shape[predictions.shape.rank - 1] : 1, 1)
    if counts.isEmpty { counts = .init(repeating: (0, 0, 0), count: width) }
    let (p, t) = (try numbers(predictions), try numbers(targets))
    if width == 1 {
      _ = try pairs(predictions, targets)
      let w = try self.weights(weights, p.count)
      for i in p.indices { add(0, p[i] > threshold, t[i] > 0.5, w.map { $0[i] } ?? 1) }
      return
    }
    let (got, rows) = (largest(p, width), p.count / width)
    let want = targets.shape == predictions.shape ? largest(t, width) : t.map { Int($0) }
    guard want.count == rows else {
      throw EngineError(
        .shape, "targets are not one class a sample", expected: "\(rows)",
        received: "\(want.count)")
    }
    let w = try self.weights(weights, rows)
    for r in 0..<rows {
      for c in 0..<min(width, counts.count) {
        add(c, got[r] == c, want[r] == c, w.map { $0[r] } ?? 1)
      }
    }
  }

  private func add(_ c: Int, _ isSaid: Bool, _ isSo: Bool, _ w: Double) {
    if isSaid && isSo { counts[c].hit += w }
    if isSaid && !isSo { counts[c].extra += w }
    if !isSaid && isSo { counts[c].missed += w }
  }

  private func score(_ c: (hit: Double, extra: Double, missed: Double)) -> Double {
    let b = beta * beta
    let whole = (1 + b) * c.hit + b * c.missed + c.extra
    return whole == 0 ? 0 : (1 + b) * c.hit / whole
  }

  public override var result: Double {
    guard !counts.isEmpty else { return 0 }
    switch averaging {
    case .macro: return counts.map(score).reduce(0, +) / Double(counts.count)
    case .micro:
      return score(counts.reduce((0, 0, 0)) { ($0.0 + $1.hit, $0.1 + $1.extra, $0.2 + $1.missed) })
    }
  }
  public override func reset() { counts = [] }
}
