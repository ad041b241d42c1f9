import Layers
import Tensors
import Training

/// The optimiser and the schedule of a configuration.
enum OptimizerChoice {
  static let names = ["adam", "adamw", "nadam", "sgd", "lion"]

  /// - `decay`: AdamW's, where the settings say none.
  static func rule(_ c: TrainConfig, rate: Double, decay standard: Double) -> OptimizerRule {
    let decay = c.weightDecay ?? (c.optimizer == "adamw" ? standard : 0)
    var rule: OptimizerRule =
      switch c.optimizer {
      case "adam": .keras.adam(learningRate: rate)
      case "nadam": .keras.nadam(learningRate: rate)
      case "sgd": .keras.sgd(learningRate: rate, momentum: c.momentum ?? 0.9)
      case "lion": .keras.lion(learningRate: rate)
      default: .keras.adamW(learningRate: rate)
      }
    rule.weightDecay = decay
    return rule
  }

  static func schedule(_ c: TrainConfig, rate: Double, steps: Int) -> Schedule {
    if c.schedule == "constant" { return .constant(rate) }
    guard c.warmup > 0 else { return .cosineDecay(rate, steps: max(steps, 1), alpha: 0.01) }
    return .cosineDecay(
      rate / 20, steps: max(steps - c.warmup, 1), alpha: 0.01, peak: rate, warmup: c.warmup)
  }
}
