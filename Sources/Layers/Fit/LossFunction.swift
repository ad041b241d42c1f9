import Tensors
import Training

/// What training makes small, known by its name: a loss for each element or sample of predictions
/// and targets, whose mean is taken with weights where there are some.
///
/// ```swift
/// model.compile(optimizer: .keras.adam(), loss: .meanSquaredError)
/// model.compile(optimizer: .keras.adam(), loss: LossFunction("quartic") { p, t in
///   try (p - t).pow(4)
/// })
/// ```
public struct LossFunction: Sendable {
  /// What it is called in logs and messages.
  public let name: String
  private let body: @Sendable (Tensor, Tensor) throws -> Tensor

  /// - `body`: predictions and targets to a tensor that begins with the batch axis.
  public init(_ name: String, _ body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor) {
    self.name = name
    self.body = body
  }

  /// The loss of each element or sample.
  public func elements(_ predictions: Tensor, _ targets: Tensor) throws -> Tensor {
    try body(predictions, targets)
  }

  /// The mean, elements multiplied by the weights of their samples, `[N]` or `[N, T]`.
  public func callAsFunction(
    _ predictions: Tensor, _ targets: Tensor, weights: Tensor? = nil
  ) throws -> Tensor {
    var loss = try body(predictions, targets)
    guard let weights else { return try loss.mean() }
    let rank = weights.shape.rank
    if loss.shape.rank > rank { loss = try loss.mean(axes: Array(rank..<loss.shape.rank)) }
    return try (loss * weights.cast(to: loss.dtype)).mean()
  }

  /// A loss of real targets of the predictions' shape; a missing last axis of size 1 is added.
  private static func real(
    _ name: String, _ body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
  ) -> LossFunction { LossFunction(name) { p, t in try body(p, fitted(t, to: p)) } }

  /// `(p - t)^2`.
  public static let meanSquaredError = real("mean_squared_error") {
    try Loss.meanSquared($0, $1, reduction: .none)
  }
  /// `|p - t|`.
  public static let meanAbsoluteError = real("mean_absolute_error") {
    try Loss.meanAbsolute($0, $1, reduction: .none)
  }
  /// `100 |p - t| / |t|`.
  public static let meanAbsolutePercentageError = real("mean_absolute_percentage_error") {
    try Loss.meanAbsolutePercentage($0, $1, reduction: .none)
  }
  /// `(log(1 + p) - log(1 + t))^2`.
  public static let meanSquaredLogarithmicError = real("mean_squared_logarithmic_error") {
    try Loss.meanSquaredLogarithmic($0, $1, reduction: .none)
  }
  /// `d^2 / 2` for small `d = |p - t|`, and a line beyond `delta`.
  public static func huber(delta: Double = 1) -> LossFunction {
    real("huber") { try Loss.huber($0, $1, delta: delta, reduction: .none) }
  }
  /// `log(cosh(p - t))`.
  public static let logCosh = real("log_cosh") { try Loss.logCosh($0, $1, reduction: .none) }
  /// `p - t log(p)`.
  public static let poisson = real("poisson") { try Loss.poisson($0, $1, reduction: .none) }
  /// `max(0, 1 - t p)` for targets of -1 and 1.
  public static let hinge = real("hinge") { try Loss.hinge($0, $1, reduction: .none) }
  /// `max(0, 1 - t p)^2`.
  public static let squaredHinge = real("squared_hinge") {
    try Loss.squaredHinge($0, $1, reduction: .none)
  }
  /// `max(0, 1 + max((1 - t) p) - sum(t p))`.
  public static let categoricalHinge = real("categorical_hinge") {
    try Loss.categoricalHinge($0, $1, reduction: .none)
  }
  /// `sum(t log(t / p))` over the last axis.
  public static let kullbackLeibler = real("kl_divergence") {
    try Loss.kullbackLeibler($0, $1, reduction: .none)
  }
  /// The negative cosine of the angle between vectors of the last axis.
  public static let cosineSimilarity = real("cosine_similarity") {
    try Loss.cosineSimilarity($0, $1, reduction: .none)
  }
  /// Targets of 0 and 1; predictions are probabilities, or logits with `fromLogits`.
  public static func binaryCrossEntropy(fromLogits: Bool = false) -> LossFunction {
    real("binary_crossentropy") {
      fromLogits
        ? try Loss.binaryCrossEntropyFromLogits($0, $1, reduction: .none)
        : try Loss.binaryCrossEntropy($0, $1, reduction: .none)
    }
  }
  /// Targets are distributions over the last axis.
  public static func categoricalCrossEntropy(
    fromLogits: Bool = false, smoothing: Double = 0
  ) -> LossFunction {
    real("categorical_crossentropy") {
      guard $0.shape == $1.shape else {
        throw EngineError(
          .shape, "the loss compares distributions over classes",
          expected: "targets \($0.shape), as the predictions", received: "\($1.shape)",
          hint: "use sparseCategoricalCrossEntropy for class numbers")
      }
      return fromLogits
        ? try Loss.categoricalCrossEntropyFromLogits(
          $0, $1, smoothing: smoothing, reduction: .none)
        : try Loss.categoricalCrossEntropy($0, $1, smoothing: smoothing, reduction: .none)
    }
  }
  /// Targets are class numbers, `[N, ...]` or `[N, ..., 1]`; classes lie on the last axis of
  /// predictions, or on `axis`.
  public static func sparseCategoricalCrossEntropy(
    fromLogits: Bool = false, axis: Int = -1
  ) -> LossFunction {
    LossFunction("sparse_categorical_crossentropy") { p, t in
      let rank = p.shape.rank
      let at = axis < 0 ? axis + rank : axis
      let classesSecond = at == 1 ? p : try p.moveAxis(at, to: 1)
      let logits = fromLogits ? classesSecond : try classesSecond.clipped(1e-7, 1).log()
      return try Loss.crossEntropy(logits, classNumbers(t, rank: rank - 1), reduction: .none)
    }
  }
}

/// Targets in the predictions' element type, with the last axis of size 1 that they may lack.
func fitted(_ targets: Tensor, to predictions: Tensor) throws -> Tensor {
  var t = targets
  let rank = predictions.shape.rank
  if t.shape.rank == rank - 1, rank > 0, predictions.shape[rank - 1] == 1 {
    t = try t.expandDims(at: -1)
  }
  return try t.cast(to: predictions.dtype)
}

/// Class numbers as whole numbers of a rank, without the last axis of size 1 that they may have.
func classNumbers(_ targets: Tensor, rank: Int) throws -> Tensor {
  if targets.shape.rank == rank + 1, targets.shape[rank] != 1 {
    throw EngineError(
      .shape, "the loss takes class numbers, one for each sample",
      expected: "\(rank) axes, or a last one of size 1", received: "\(targets.shape)",
      hint: "use categoricalCrossEntropy for distributions")
  }
  let t = targets.shape.rank == rank + 1 ? try targets.squeeze([-1]) : targets
  return t.dtype == .int64 || t.dtype == .int32 ? t : try t.cast(to: .int64)
}
