import Tensors
import Training

/// One step of a gated recurrent unit, gates in the order z, r, h as in ONNX and Keras.
///
/// - `resetAfter`: whether the reset gate acts behind the recurrent product, which then has a bias
///   of its own. - Source: Keras 3 GRUCell.
public final class GRUCell: GatedCell {
  /// Whether the reset gate acts behind the product.
  public let resetAfter: Bool

  public init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, useBias: Bool = true,
    resetAfter: Bool = true, recurrentDropout: Double = 0,
    kernelInitializer: Initializer = .glorotUniform,
    recurrentInitializer: Initializer = .orthogonal()
  ) {
    self.resetAfter = resetAfter
    super.init(
      units, gates: 3, activation: activation, recurrentActivation: recurrentActivation,
      useBias: useBias, hasTwoBiases: resetAfter, recurrentDropout: recurrentDropout,
      kernelInitializer: kernelInitializer, recurrentInitializer: recurrentInitializer)
  }

  public override func step(
    _ x: Tensor, _ states: [Tensor]
  ) throws -> (output: Tensor, states: [Tensor]) {
    let h = try dropped(states[0])
    let a = try x.linear(kernel.value, bias?.value, transposed: true).split(into: 3, axis: 1)
    let z: Tensor
    let n: Tensor
    if resetAfter {
      let b = try h.linear(recurrent.value, recurrentBias?.value, transposed: true).split(
        into: 3, axis: 1)
      z = try recurrentActivation(a[0] + b[0])
      n = try activation(a[2] + recurrentActivation(a[1] + b[1]) * b[2])
    } else {
      let w = try recurrent.value.split(into: 3, axis: 0)
      z = try recurrentActivation(a[0] + h.linear(w[0], transposed: true))
      let r = try recurrentActivation(a[1] + h.linear(w[1], transposed: true))
      n = try activation(a[2] + (r * h).linear(w[2], transposed: true))
    }
    let next = try z * states[0] + (1 - z) * n
    return (next, [next])
  }

  override func fused(
    _ x: Tensor, _ states: [Tensor], _ direction: SequenceDirection
  ) throws -> SequenceResult? {
    guard isStandard else { return nil }
    return try x.gru(
      kernel.value.expandDims(at: 0), recurrent.value.expandDims(at: 0), wholeBias(),
      state: states.first?.expandDims(at: 0), resetAfter: resetAfter, direction: direction)
  }
}
