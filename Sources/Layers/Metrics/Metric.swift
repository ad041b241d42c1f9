import Tensors
import Training

/// A figure measured over batches: `update` takes one in, `result` is the figure of all since
/// `reset`.
///
/// A subclass writes `update(_:_:_:)`, `result` and `reset`. Nothing of these is compiled: `update`
/// sees what a step gave. Those that are a mean over batches write `batchMean` and `add` as well.
open class Metric {
  /// The name in logs.
  public let name: String
  /// Which output of the model it measures.
  public let output: Int

  public init(_ name: String, output: Int = 0) {
    self.name = name
    self.output = output
  }

  /// Takes predictions and targets of one batch in. - `weights`: `[N]` or `[N, T]`.
  open func update(_ predictions: Tensor, _ targets: Tensor, _ weights: Tensor?) throws {}
  /// A mean over the elements of one batch, without axes, and their number: worked out within the
  /// compiled step, which costs less than operators of its own. Nil, as by default, leaves the batch
  /// to `update`, as weighed samples and eager steps do.
  open func batchMean(
    _ predictions: Tensor, _ targets: Tensor
  ) throws -> (mean: Tensor, count: Int)? { nil }
  /// Takes in what `batchMean` gave.
  open func add(mean: Double, count: Double) {}
  /// The figure of all since `reset`.
  open var result: Double { 0 }
  /// Forgets what was taken in.
  open func reset() {}

  /// Takes the output that it measures in.
  ///
  /// Errors: `.usage` for an output that the model does not have.
  func update(_ outcome: StepOutcome, _ batch: Batch) throws {
    guard output < outcome.outputCount, output < batch.targets.count else {
      throw EngineError(
        .usage, "the metric '\(name)' measures an output that is not there",
        expected: "0 to \(outcome.outputCount - 1)", received: "\(output)")
    }
    try withoutGradient {
      try update(outcome.output(output), batch.targets[output], batch.weights)
    }
  }
}

extension Metric {
  /// How many samples are right: by class numbers, one-hot targets, or of two classes, whichever
  /// fits the shapes.
  public static var accuracy: Metric { Accuracy() }
  /// How many elements of two classes are right, by 0.5.
  public static var binaryAccuracy: Metric { Accuracy("binary_accuracy", kind: .binary) }
  /// How many samples are right, targets being distributions.
  public static var categoricalAccuracy: Metric {
    Accuracy("categorical_accuracy", kind: .categorical)
  }
  /// How many samples are right, targets being class numbers.
  public static var sparseCategoricalAccuracy: Metric {
    Accuracy("sparse_categorical_accuracy", kind: .sparse)
  }
  /// How many samples have their class among the `k` most likely ones.
  public static func topK(_ k: Int = 5) -> Metric { TopKAccuracy(k) }
  /// See `Precision`.
  public static var precision: Metric { Precision() }
  /// See `Recall`.
  public static var recall: Metric { Recall() }
  /// See `AUC`.
  public static var auc: Metric { AUC() }
  /// See `F1Score`.
  public static var f1: Metric { F1Score() }
  /// See `R2Score`.
  public static var r2: Metric { R2Score() }
  /// `(p - t)^2`.
  public static var meanSquaredError: Metric { MeanMetric(.meanSquaredError) }
  /// `|p - t|`.
  public static var meanAbsoluteError: Metric { MeanMetric(.meanAbsoluteError) }
  /// `100 |p - t| / |t|`.
  public static var meanAbsolutePercentageError: Metric {
    MeanMetric(.meanAbsolutePercentageError)
  }
  /// `(log(1 + p) - log(1 + t))^2`.
  public static var meanSquaredLogarithmicError: Metric {
    MeanMetric(.meanSquaredLogarithmicError)
  }
  /// `log(cosh(p - t))`.
  public static var logCosh: Metric { MeanMetric(.logCosh) }
  /// `p - t log(p)`.
  public static var poisson: Metric { MeanMetric(.poisson) }
  /// `max(0, 1 - t p)` for targets of -1 and 1.
  public static var hinge: Metric { MeanMetric(.hinge) }
  /// `sum(t log(t / p))` over the last axis.
  public static var kullbackLeibler: Metric { MeanMetric(.kullbackLeibler) }
  /// See `RootMeanSquaredError`.
  public static var rootMeanSquaredError: Metric { RootMeanSquaredError() }
  /// The negative cosine of the angle between vectors of the last axis.
  public static var cosineSimilarity: Metric { CosineSimilarity() }
  /// See `PearsonCorrelation`.
  public static var pearson: Metric { PearsonCorrelation() }
  /// See `MeanIoU`.
  public static func meanIoU(_ classes: Int) -> Metric { MeanIoU(classes) }
  /// The mean of a loss.
  public static func loss(_ loss: LossFunction) -> Metric { MeanMetric(loss) }
}

/// A sum of weighed values and of their weights.
struct WeightedSum {
  private(set) var total = 0.0
  private(set) var count = 0.0
  var mean: Double { count == 0 ? 0 : total / count }

  mutating func add(_ value: Double, _ weight: Double = 1) {
    total += value * weight
    count += weight
  }
  /// So many ones and zeros, `n` in all.
  mutating func add(hits: Int, of n: Int) {
    total += Double(hits)
    count += Double(n)
  }
  mutating func reset() { (total, count) = (0, 0) }
}

extension Metric {
  /// The elements as doubles, in order.
  ///
  /// Errors: `.dtype` for strings.
  func numbers(_ t: Tensor) throws -> [Double] {
    if t.dtype == .float32 { return t.elements(Float.self).map { Double($0) } }
    if t.dtype == .int64 { return t.elements(Int64.self).map { Double($0) } }
    return try t.numbers()
  }

  /// A weight for each of `count` elements, in rows of the weights' own; ones for none.
  func weights(_ weights: Tensor?, _ count: Int) throws -> [Double]? {
    guard let weights else { return nil }
    let list = try numbers(weights)
    guard !list.isEmpty, count % list.count == 0 else {
      throw EngineError(
        .shape, "weights do not fit the targets", expected: "a divisor of \(count) weights",
        received: "\(list.count)")
    }
    let each = count / list.count
    return each == 1 ? list : list.flatMap { [Double](repeating: $0, count: each) }
  }

  /// Errors: `.shape` where predictions and targets differ in the number of elements.
  func pairs(_ p: Tensor, _ t: Tensor) throws -> (predictions: [Double], targets: [Double]) {
    guard p.count == t.count else {
      throw EngineError(
        .shape, "the metric '\(name)' needs as many predictions as targets",
        expected: "\(t.shape)", received: "\(p.shape)")
    }
    return (try numbers(p), try numbers(t))
  }
}
