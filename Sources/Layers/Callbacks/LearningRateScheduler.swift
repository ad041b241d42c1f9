import Training

/// Sets the learning rate at the beginning of each epoch, from its number and the rate before.
///
/// - Source: Keras 3 LearningRateScheduler. Rates by step are a `Schedule`, for `compile`.
public final class LearningRateScheduler: Callback {
  private let rate: (Int, Double) -> Double

  public init(_ rate: @escaping (_ epoch: Int, _ before: Double) -> Double) {
    self.rate = rate
    super.init()
  }

  public override func epochBegins(_ state: FitState) {
    state.model.learningRate = rate(state.epoch, state.model.learningRate)
  }
  public override func epochEnds(_ state: FitState) {
    state.logs["learning_rate"] = state.model.learningRate
  }
}
