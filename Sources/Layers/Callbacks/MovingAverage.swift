import Tensors
import Training

/// Keeps a moving average of the parameters, measures validation with it, and gives it to the model
/// at the end.
///
/// - `decay`: `average = decay average + (1 - decay) parameter` after each step.
/// - Errors: `.value` for a decay outside 0...1. - Source: Keras 3 SwapEMAWeights.
public final class MovingAverage: Callback {
  /// The weight of what was before.
  public let decay: Double
  private var average: WeightAverage?

  public init(decay: Double = 0.99) {
    self.decay = decay
    super.init()
  }

  public override var watchesBatches: Bool { true }
  public override func trainingBegins(_ state: FitState) throws { average = nil }

  public override func batchEnds(_ state: FitState) throws {
    if let average {
      try average.update()
    } else {
      average = try WeightAverage(state.model, decay: decay)
    }
  }
  public override func validationBegins(_ state: FitState) { average?.swap() }
  public override func validationEnds(_ state: FitState) { average?.swap() }
  public override func trainingEnds(_ state: FitState) {
    average?.swap()
    average = nil
  }

  /// The averages so far.
  public override var memory: CallbackMemory {
    CallbackMemory(
      tensors: (average?.values ?? []).enumerated().map { ("\($0.offset)", $0.element) })
  }

  public override func recall(_ memory: CallbackMemory, _ state: FitState) throws {
    let values = memory.tensors.indices.compactMap { i in
      memory.tensors.first { $0.name == "\(i)" }?.value
    }
    average = values.isEmpty ? nil : try WeightAverage(state.model, decay: decay, values: values)
  }
}
