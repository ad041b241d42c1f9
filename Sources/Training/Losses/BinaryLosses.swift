import Operators
import Tensors

extension Loss {
  /// `-(t log p + (1 - t) log(1 - p))` of probabilities, kept `epsilon` away from 0 and 1.
  public static func binaryCrossEntropy(
    _ p: Tensor, _ t: Tensor, epsilon: Double = 1e-7, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("binaryCrossEntropy", p, t, reduction, file, line) {
      () throws(EngineError) in
      let q = try p.clipped(epsilon, 1 - epsilon)
      return try (t * q.log() + (1 - t) * (1 - q).log()).negated()
    }
  }

  /// The same of logits: `max(p, 0) - p t + log(1 + e^-|p|)`.
  public static func binaryCrossEntropyFromLogits(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("binaryCrossEntropyFromLogits", p, t, reduction, file, line) {
      () throws(EngineError) in
      try p.relu() - p * t + p.absolute().negated().softplus()
    }
  }

  /// Cross-entropy of logits weighed by `(1 - p of the truth)^gamma`. Lin et al. 2017.
  public static func binaryFocalFromLogits(
    _ p: Tensor, _ t: Tensor, gamma: Double = 2, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("binaryFocalFromLogits", p, t, reduction, file, line) {
      () throws(EngineError) in
      let entropy = try p.relu() - p * t + p.absolute().negated().softplus()
      let q = try p.sigmoid()
      let hit = try t * q + (1 - t) * (1 - q)
      return try (1 - hit).pow(gamma) * entropy
    }
  }

  /// `max(0, 1 - t p)` for targets of -1 and 1.
  public static func hinge(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("hinge", p, t, reduction, file, line) { () throws(EngineError) in
      try (1 - t * p).relu()
    }
  }

  /// `max(0, 1 - t p)^2` for targets of -1 and 1.
  public static func squaredHinge(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("squaredHinge", p, t, reduction, file, line) { () throws(EngineError) in
      try (1 - t * p).relu().squared()
    }
  }

  /// `log(1 + e^(-t p))` for targets of -1 and 1.
  public static func softMargin(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("softMargin", p, t, reduction, file, line) { () throws(EngineError) in
      try (t * p).negated().softplus()
    }
  }
}
