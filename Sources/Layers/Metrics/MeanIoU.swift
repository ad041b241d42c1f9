import Tensors
import Training

/// Intersection over union of predicted and true places, the mean over classes that occur.
///
/// - Predictions: class numbers, or scores over the last axis. Targets: class numbers.
/// - Source: Keras 3 MeanIoU.
public final class MeanIoU: Metric {
  /// The number of classes.
  public let classes: Int
  /// By true class, then by predicted one.
  private var counts: [Double]

  public init(_ classes: Int, name: String = "mean_io_u", output: Int = 0) {
    self.classes = max(classes, 1)
    counts = [Double](repeating: 0, count: self.classes * self.classes)
    super.init(name, output: output)
  }

  public override func update(
    _ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?
  ) throws {
    let want = try numbers(targets).map { Int($0) }
    let p = try numbers(predictions)
    let got = p.count == want.count ? p.map { Int($0) } : largest(p, classes)
    guard got.count == want.count,
      (got + want).allSatisfy({ $0 >= 0 && $0 < classes })
    else {
      throw EngineError(
        .shape, "predictions or targets are not classes",
        expected: "\(want.count) class numbers below \(classes)",
        received: "predictions \(predictions.shape), targets \(targets.shape)")
    }
    let w = try self.weights(weights, want.count)
    for i in want.indices { counts[want[i] * classes + got[i]] += w.map { $0[i] } ?? 1 }
  }

  public override var result: Double {
    var sum = WeightedSum()
    for c in 0..<classes {
      let row = (0..<classes).reduce(0) { $0 + counts[c * classes + $1] }
      let column = (0..<classes).reduce(0) { $0 + counts[$1 * classes + c] }
      let hit = counts[c * classes + c]
      if row + column > 0 { sum.add(hit / (row + column - hit)) }
    }
    return sum.mean
  }
  public override func reset() { counts = [Double](repeating: 0, count: classes * classes) }
}
