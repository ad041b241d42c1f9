import Tensors
import Training

/// One step of long short-term memory, gates in the order i, o, f, c of ONNX; Keras has i, f, c, o.
///
/// - States: `h`, `c`, of `units` each. - `unitForgetBias`: whether the forget gate's bias begins
///   as 1. - Source: Keras 3 LSTMCell.
public final class LSTMCell: GatedCell {
  /// Whether the forget gate's bias begins as 1.
  public let unitForgetBias: Bool

  public init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, useBias: Bool = true,
    unitForgetBias: Bool = true, recurrentDropout: Double = 0,
    kernelInitializer: Initializer = .glorotUniform,
    recurrentInitializer: Initializer = .orthogonal()
  ) {
    self.unitForgetBias = unitForgetBias
    super.init(
      units, gates: 4, activation: activation, recurrentActivation: recurrentActivation,
      useBias: useBias, hasTwoBiases: false, recurrentDropout: recurrentDropout,
      kernelInitializer: kernelInitializer, recurrentInitializer: recurrentInitializer)
  }

  public override var stateSizes: [Int] { [units, units] }

  override func initialBias() throws(EngineError) -> Tensor {
    let (zeros, forget) = (
      try Tensor.zeros([units], dtype: dtype),
      try Tensor.full([units], unitForgetBias ? 1 : 0, dtype: dtype)
    )
    return try concat([zeros, zeros, forget, zeros])
  }

  public override func step(
    _ x: Tensor, _ states: [Tensor]
  ) throws -> (output: Tensor, states: [Tensor]) {
    let a = try x.linear(kernel.value, bias?.value, transposed: true)
    let g = try (a + dropped(states[0]).linear(recurrent.value, transposed: true)).split(
      into: 4, axis: 1)
    let kept = try recurrentActivation(g[2]) * states[1]
    let c = try kept + recurrentActivation(g[0]) * activation(g[3])
    let h = try recurrentActivation(g[1]) * activation(c)
    return (h, [h, c])
  }

  override func fused(
    _ x: Tensor, _ states: [Tensor], _ direction: SequenceDirection
  ) throws -> SequenceResult? {
    guard isStandard else { return nil }
    return try x.lstm(
      kernel.value.expandDims(at: 0), recurrent.value.expandDims(at: 0), wholeBias(),
      state: states.first?.expandDims(at: 0), cell: states.last?.expandDims(at: 0),
      direction: direction)
  }
}
