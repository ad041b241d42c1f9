import Tensors
import Training

/// A simple recurrent layer over time. See `RNN` for inputs and outputs, `SimpleRNNCell` for the
/// formula.
///
/// - `dropout`: of input features; `recurrentDropout`: of the state, both one draw for all steps.
/// - Source: Keras 3 SimpleRNN.
public final class SimpleRNN: RNN {
  private let kernelInitializer: Initializer
  private let recurrentInitializer: Initializer

  public init(
    _ units: Int, activation: ActivationFunction = .tanh,
    useBias: Bool = true, returnsSequences: Bool = false,
    returnsState: Bool = false, goesBackwards: Bool = false, dropout: Double = 0,
    recurrentDropout: Double = 0, statefulBatch: Int? = nil,
    kernelInitializer: Initializer = .glorotUniform,
    recurrentInitializer: Initializer = .orthogonal()
  ) {
    self.kernelInitializer = kernelInitializer
    self.recurrentInitializer = recurrentInitializer
    super.init(
      SimpleRNNCell(
        units, activation: activation, useBias: useBias,
        recurrentDropout: recurrentDropout, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer),
      returnsSequences: returnsSequences, returnsState: returnsState,
      goesBackwards: goesBackwards, dropout: dropout, statefulBatch: statefulBatch)
  }

  override func reversed() throws(EngineError) -> RNN {
    guard let c = cell as? SimpleRNNCell else { return try super.reversed() }
    return SimpleRNN(
      c.units, activation: c.activation, useBias: c.bias != nil,
      returnsSequences: returnsSequences, returnsState: returnsState,
      goesBackwards: !goesBackwards, dropout: dropout, recurrentDropout: c.recurrentDropout,
      statefulBatch: statefulBatch, kernelInitializer: kernelInitializer,
      recurrentInitializer: recurrentInitializer)
  }
}
