import Tensors
import Training

/// Ends training with an error when the loss is no number.
///
/// - Errors: `.value` with epoch and batch. - Source: Keras 3 TerminateOnNaN, which only stops.
public final class TerminateOnNaN: Callback {
  public override var watchesBatches: Bool { true }

  public override func batchEnds(_ state: FitState) throws {
    let loss = state.batchLoss
    guard !loss.isFinite else { return }
    throw EngineError(
      .value, "the loss is no number in epoch \(state.epoch + 1), batch \(state.batch + 1)",
      received: "\(loss)", hint: "lower the learning rate, or run with checkingNumbers")
  }
}
