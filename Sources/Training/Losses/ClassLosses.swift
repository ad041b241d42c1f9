import Operators
import Tensors

extension Loss {
  /// Cross-entropy of logits and class numbers: `-log softmax(p)[t]`.
  ///
  /// - `p`: `[N, C]` or `[N, C, ...]`. `t`: int32 or int64 `[N]` or `[N, ...]`.
  /// - `ignoring`: a class number whose elements do not count. `weights`: `[C]`.
  /// - Errors: `.value` for a class number outside `0..<C`; `.dtype` for targets that are no whole
  ///   numbers.
  public static func crossEntropy(
    _ p: Tensor, _ t: Tensor, weights: Tensor? = nil, ignoring: Int? = nil,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    guard t.dtype == .int64 || t.dtype == .int32 else {
      throw located(
        EngineError(
          .dtype, "targets of a cross-entropy over class numbers", expected: "int64 or int32",
          received: "\(t.dtype)", hint: "use categoricalCrossEntropy for distributions"),
        "crossEntropy", [p, t], file, line)
    }
    let kind: ClassLoss.Reduction =
      switch reduction {
      case .mean: .mean
      case .sum: .sum
      case .none: .none
      }
    let op = SoftmaxCrossEntropyLoss(ClassLoss(kind, ignored: ignoring))
    return try apply(op, [p, t, weights], outputs: 1, file, line)[0]
  }

  /// Cross-entropy of logits and distributions along the last axis: `-sum(t log softmax(p))`.
  public static func categoricalCrossEntropyFromLogits(
    _ p: Tensor, _ t: Tensor, smoothing: Double = 0, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("categoricalCrossEntropyFromLogits", p, t, reduction, file, line) {
      () throws(EngineError) in
      let wanted = try smoothed(t, smoothing)
      return try (wanted * p.logSoftmax()).sum(axes: [-1]).negated()
    }
  }

  /// Cross-entropy of probabilities and distributions along the last axis.
  public static func categoricalCrossEntropy(
    _ p: Tensor, _ t: Tensor, smoothing: Double = 0, epsilon: Double = 1e-7,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("categoricalCrossEntropy", p, t, reduction, file, line) {
      () throws(EngineError) in
      let total = try p.sum(axes: [-1], keepDims: true)
      let q = try (p / total).clipped(epsilon, 1 - epsilon)
      return try (smoothed(t, smoothing) * q.log()).sum(axes: [-1]).negated()
    }
  }

  /// The distance of Kullback and Leibler along the last axis: `sum(t log(t / p))` of
  /// probabilities, both kept within `1e-7...1`.
  public static func kullbackLeibler(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("kullbackLeibler", p, t, reduction, file, line) {
      () throws(EngineError) in
      let (a, b) = (try t.clipped(1e-7, 1), try p.clipped(1e-7, 1))
      return try (a * (a / b).log()).sum(axes: [-1])
    }
  }

  /// Minus the cosine of the angle between predictions and targets along the last axis.
  public static func cosineSimilarity(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("cosineSimilarity", p, t, reduction, file, line) {
      () throws(EngineError) in
      let lengths = try p.sumOfSquares(axes: [-1]) * t.sumOfSquares(axes: [-1])
      return try (p * t).sum(axes: [-1]) / lengths.maximum(1e-14).squareRoot() * -1
    }
  }

  /// `max(0, largest wrong p - p of the truth + 1)` along the last axis, for one-hot targets.
  public static func categoricalHinge(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("categoricalHinge", p, t, reduction, file, line) {
      () throws(EngineError) in
      let right = try (t * p).sum(axes: [-1])
      let wrong = try ((1 - t) * p).max(axes: [-1])
      return try (wrong - right + 1).relu()
    }
  }

  /// `1 - 2 |p and t| / (|p| + |t|)` over all elements.
  public static func dice(
    _ p: Tensor, _ t: Tensor, epsilon: Double = 1e-7, file: StaticString = #fileID,
    line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("dice", p, t, .none, file, line) { () throws(EngineError) in
      let both = try (p * t).sum()
      return try 1 - (both * 2 + epsilon) / (p.sum() + t.sum() + epsilon)
    }
  }

  /// Dice with false positives and negatives weighed by `alpha` and `beta`. Salehi et al. 2017.
  public static func tversky(
    _ p: Tensor, _ t: Tensor, alpha: Double = 0.5, beta: Double = 0.5, epsilon: Double = 1e-7,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("tversky", p, t, .none, file, line) { () throws(EngineError) in
      let both = try (p * t).sum()
      let extra = try ((1 - t) * p).sum() * alpha
      let missed = try (t * (1 - p)).sum() * beta
      return try 1 - (both + epsilon) / (both + extra + missed + epsilon)
    }
  }

  /// The negative log-likelihood of a normal distribution with mean `p` and a variance:
  /// `(log v + (p - t)^2 / v) / 2`, `v` at least `epsilon`.
  public static func gaussian(
    _ p: Tensor, _ t: Tensor, variance: Tensor, epsilon: Double = 1e-6,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("gaussian", p, t, reduction, file, line) { () throws(EngineError) in
      let v = try variance.maximum(epsilon)
      return try (v.log() + p.squaredDifference(t) / v) * 0.5
    }
  }

  /// `max(0, |a - p| - |a - n| + margin)` along the last axis: anchors nearer to `p` than to `n`.
  public static func triplet(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: Double = 1,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("triplet", anchor, positive, reduction, file, line) {
      () throws(EngineError) in
      let near = try ((anchor - positive) + 1e-6).sumOfSquares(axes: [-1]).squareRoot()
      let far = try ((anchor - negative) + 1e-6).sumOfSquares(axes: [-1]).squareRoot()
      return try (near - far + margin).relu()
    }
  }

  /// `max(0, -t (a - b) + margin)`: for `t` 1 `a` should be higher, for -1 `b`.
  public static func marginRanking(
    _ a: Tensor, _ b: Tensor, _ t: Tensor, margin: Double = 0,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("marginRanking", a, t, reduction, file, line) {
      () throws(EngineError) in
      try (t.negated() * (a - b) + margin).relu()
    }
  }

  private static func smoothed(_ t: Tensor, _ smoothing: Double) throws(EngineError) -> Tensor {
    if smoothing == 0 { return t }
    let classes = Double(t.shape.rank == 0 ? 1 : t.shape[t.shape.rank - 1])
    return try t * (1 - smoothing) + smoothing / classes
  }
}
