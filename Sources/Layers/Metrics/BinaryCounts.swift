import Tensors
import Training

/// How many elements are rightly or wrongly said to be of the second class: what precision, recall
/// and their like are made of.
///
/// - Predictions above `threshold` say so; targets are 0 or 1.
public class BinaryCounts: Metric {
  /// Above it the second class is predicted.
  public let threshold: Double
  /// Rightly of the second class.
  public private(set) var truePositives = 0.0
  /// Wrongly of the second class.
  public private(set) var falsePositives = 0.0
  /// Rightly of the first class.
  public private(set) var trueNegatives = 0.0
  /// Wrongly of the first class.
  public private(set) var falseNegatives = 0.0

  init(_ name: String, threshold: Double, output: Int) {
    self.threshold = threshold
    super.init(name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let (p, t) = try pairs(predictions, targets)
    let list = try self.weights(weights, p.count)
    for i in p.indices {
      let w = list.map { $0[i] } ?? 1
      switch (p[i] > threshold, t[i] > 0.5) {
      case (true, true): truePositives += w
      case (true, false): falsePositives += w
      case (false, false): trueNegatives += w
      case (false, true): falseNegatives += w
      }
    }
  }

  public override func reset() {
    (truePositives, falsePositives, trueNegatives, falseNegatives) = (0, 0, 0, 0)
  }

  func share(_ part: Double, of whole: Double) -> Double { whole == 0 ? 0 : part / whole }
}
