import Tensors
import Training

/// Pearson's correlation of all predictions with all targets.
///
/// - Edges: 0 where either does not vary. - Source: Keras 3 PearsonCorrelation takes the mean over
///   samples; this is that of all pairs.
public final class PearsonCorrelation: Metric {
  private var (n, p, t, pp, tt, pt) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

  public init(name: String = "pearson_correlation", output: Int = 0) {
    super.init(name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let (a, b) = try pairs(predictions, targets)
    let list = try self.weights(weights, a.count)
    for i in a.indices {
      let w = list.map { $0[i] } ?? 1
      n += w
      p += w * a[i]
      t += w * b[i]
      pp += w * a[i] * a[i]
      tt += w * b[i] * b[i]
      pt += w * a[i] * b[i]
    }
  }

  public override var result: Double {
    let spread = (pp * n - p * p) * (tt * n - t * t)
    return spread > 0 ? (pt * n - p * t) / spread.squareRoot() : 0
  }
  public override func reset() { (n, p, t, pp, tt, pt) = (0, 0, 0, 0, 0, 0) }
}
