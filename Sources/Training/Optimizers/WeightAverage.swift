import Tensors

/// A moving average of a model's parameters: `average = decay average + (1 - decay) parameter`,
/// which often does better than the parameters themselves.
public final class WeightAverage {
  public let decay: Double
  private let parameters: [Parameter]
  public private(set) var values: [Tensor]

  /// Begins with the parameters as they are.
  ///
  /// Errors: `.value` for a decay outside 0...1.
  public init(_ model: Module, decay: Double = 0.99) throws {
    guard decay >= 0, decay <= 1 else {
      throw EngineError(.value, "a decay is out of range", expected: "0...1", received: "\(decay)")
    }
    self.decay = decay
    parameters = model.parameters
    values = parameters.map { $0.value.detached() }
  }

  /// Goes on from averages that were kept, in the order of the parameters.
  ///
  /// Errors: as above; `.malformed` where they do not fit the parameters.
  public convenience init(_ model: Module, decay: Double, values: [Tensor]) throws {
    try self.init(model, decay: decay)
    guard values.count == parameters.count,
      zip(values, parameters).allSatisfy({ $0.type == $1.value.type })
    else {
      throw EngineError(
        .malformed, "averages do not fit the model", expected: "\(parameters.count) tensors",
        received: "\(values.count)")
    }
    self.values = values
  }

  /// Takes the parameters in; after each step.
  public func update() throws {
    try withoutGradient {
      for (i, p) in parameters.enumerated() {
        values[i] = try values[i] + (p.value - values[i]) * (1 - decay)
      }
    }
  }

  /// Exchanges parameters and averages: once before a test, and once after it.
  public func swap() {
    for (i, p) in parameters.enumerated() {
      let value = p.value.detached()
      p.value = values[i]
      values[i] = value
    }
  }
}
