import Tensors
import Training

/// One step of a simple recurrent layer: `h = activation(x kernel^T + h' recurrent^T + bias)`.
///
/// - Source: Keras 3 SimpleRNNCell.
public final class SimpleRNNCell: GatedCell {
  public init(
    _ units: Int, activation: ActivationFunction = .tanh, useBias: Bool = true,
    recurrentDropout: Double = 0, kernelInitializer: Initializer = .glorotUniform,
    recurrentInitializer: Initializer = .orthogonal()
  ) {
    super.init(
      units, gates: 1, activation: activation, recurrentActivation: .sigmoid, useBias: useBias,
      hasTwoBiases: false, recurrentDropout: recurrentDropout,
      kernelInitializer: kernelInitializer, recurrentInitializer: recurrentInitializer)
  }

  public override func step(
    _ x: Tensor, _ states: [Tensor]
  ) throws -> (output: Tensor, states: [Tensor]) {
    let a = try x.linear(kernel.value, bias?.value, transposed: true)
    let h = try activation(a + dropped(states[0]).linear(recurrent.value, transposed: true))
    return (h, [h])
  }

  override func fused(
    _ x: Tensor, _ states: [Tensor], _ direction: SequenceDirection
  ) throws -> SequenceResult? {
    guard isStandard else { return nil }
    return try x.simpleRNN(
      kernel.value.expandDims(at: 0), recurrent.value.expandDims(at: 0), wholeBias(),
      state: states.first?.expandDims(at: 0), direction: direction)
  }
}
