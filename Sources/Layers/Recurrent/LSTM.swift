import Tensors
import Training

/// Long short-term memory over time. See `RNN` for inputs and outputs, `LSTMCell` for the formula.
///
/// - `dropout`: of input features; `recurrentDropout`: of the state, both one draw for all steps.
/// - Source: Keras 3 LSTM.
public final class LSTM: RNN {
  private let kernelInitializer: Initializer
  private let recurrentInitializer: Initializer

  public init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, useBias: Bool = true,
    unitForgetBias: Bool = true, returnsSequences: Bool = false,
    returnsState: Bool = false, goesBackwards: Bool = false, dropout: Double = 0,
    recurrentDropout: Double = 0, statefulBatch: Int? = nil,
    kernelInitializer: Initializer = .glorotUniform,
    recurrentInitializer: Initializer = .orthogonal()
  ) {
    self.kernelInitializer = kernelInitializer
    self.recurrentInitializer = recurrentInitializer
    super.init(
      LSTMCell(
        units, activation: activation, recurrentActivation: recurrentActivation, useBias: useBias,
        unitForgetBias: unitForgetBias,
        recurrentDropout: recurrentDropout, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer),
      returnsSequences: returnsSequences, returnsState: returnsState,
      goesBackwards: goesBackwards, dropout: dropout, statefulBatch: statefulBatch)
  }

  override func reversed() throws(EngineError) -> RNN {
    guard let c = cell as? LSTMCell else { return try super.reversed() }
    return LSTM(
      c.units, activation: c.activation, recurrentActivation: c.recurrentActivation,
      useBias: c.bias != nil, unitForgetBias: c.unitForgetBias,
      returnsSequences: returnsSequences, returnsState: returnsState,
      goesBackwards: !goesBackwards, dropout: dropout, recurrentDropout: c.recurrentDropout,
      statefulBatch: statefulBatch, kernelInitializer: kernelInitializer,
      recurrentInitializer: recurrentInitializer)
  }
}
