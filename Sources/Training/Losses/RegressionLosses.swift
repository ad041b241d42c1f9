import Operators
import Tensors

extension Loss {
  /// `(p - t)^2`.
  public static func meanSquared(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("meanSquared", p, t, reduction, file, line) { () throws(EngineError) in
      try p.squaredDifference(t)
    }
  }

  /// `|p - t|`.
  public static func meanAbsolute(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("meanAbsolute", p, t, reduction, file, line) { () throws(EngineError) in
      try (p - t).absolute()
    }
  }

  /// `100 |p - t| / max(|t|, 1e-7)`.
  public static func meanAbsolutePercentage(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("meanAbsolutePercentage", p, t, reduction, file, line) {
      () throws(EngineError) in
      try (p - t).absolute() / t.absolute().maximum(1e-7) * 100
    }
  }

  /// `(log(1 + p) - log(1 + t))^2`, both at least 1e-7.
  public static func meanSquaredLogarithmic(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("meanSquaredLogarithmic", p, t, reduction, file, line) {
      () throws(EngineError) in
      let a = try p.maximum(1e-7).log1p(), b = try t.maximum(1e-7).log1p()
      return try a.squaredDifference(b)
    }
  }

  /// Squares within `delta`, straight outside: `d^2 / 2` and `delta d - delta^2 / 2` of `d = |p -
  /// t|`.
  public static func huber(
    _ p: Tensor, _ t: Tensor, delta: Double = 1, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("huber", p, t, reduction, file, line) { () throws(EngineError) in
      let d = try (p - t).absolute()
      let isNear = try d.isLessOrEqual(to: delta)
      return try choose(isNear, d * d * 0.5, d * delta - 0.5 * delta * delta)
    }
  }

  /// torch's smooth L1: `d^2 / (2 beta)` within `beta`, `d - beta / 2` outside.
  public static func smoothL1(
    _ p: Tensor, _ t: Tensor, beta: Double = 1, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("smoothL1", p, t, reduction, file, line) { () throws(EngineError) in
      let d = try (p - t).absolute()
      let isNear = try d.isLess(than: beta)
      return try choose(isNear, d * d * (0.5 / beta), d - 0.5 * beta)
    }
  }

  /// `log(cosh(p - t))`, without overflow.
  public static func logCosh(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("logCosh", p, t, reduction, file, line) { () throws(EngineError) in
      let d = try p - t
      return try d + (d * -2).softplus() - 0.693147180559945309
    }
  }

  /// `p - t log(p + epsilon)`.
  public static func poisson(
    _ p: Tensor, _ t: Tensor, epsilon: Double = 1e-7, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("poisson", p, t, reduction, file, line) { () throws(EngineError) in
      try p - t * (p + epsilon).log()
    }
  }

  /// `e^p - t p`: the rate is given by its logarithm.
  public static func poissonFromLog(
    _ p: Tensor, _ t: Tensor, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try elementwiseLoss("poissonFromLog", p, t, reduction, file, line) { () throws(EngineError) in
      try p.exp() - t * p
    }
  }
}
