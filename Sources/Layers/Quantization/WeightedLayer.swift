import Tensors
import Training

/// What quantisation needs to know of a layer that multiplies by weights.
struct WeightedLayer {
  let layer: Layer
  let kernel: Parameter
  let bias: Parameter?
  /// The kernel's axis of outputs, each of which has a range of its own.
  let kernelAxis: Int
  /// Whether channels of the result stand on axis 1, instead of the last.
  let isChannelsFirst: Bool
  let isLinear: Bool

  /// Nil for a layer that has no weights to multiply by.
  init?(_ layer: Layer) {
    self.layer = layer
    let activation: ActivationFunction
    switch layer {
    case let l as Dense:
      (kernel, bias, kernelAxis, activation) = (l.kernel, l.bias, 1, l.activation)
      isChannelsFirst = false
    case let l as Convolution:
      (kernel, bias, kernelAxis, activation) = (l.kernel, l.bias, 0, l.activation)
      isChannelsFirst = l.dataFormat == .channelsFirst
    case let l as DepthwiseConvolution:
      (kernel, bias, kernelAxis, activation) = (l.kernel, l.bias, 0, l.activation)
      isChannelsFirst = l.dataFormat == .channelsFirst
    case let l as TransposedConvolution:
      (kernel, bias, kernelAxis, activation) = (l.kernel, l.bias, 1, l.activation)
      isChannelsFirst = l.dataFormat == .channelsFirst
    default: return nil
    }
    isLinear = activation.name == ActivationFunction.linear.name
  }

  /// Whether `norm`, behind the layer, can be a part of its weights.
  func takes(_ norm: BatchNormalization, rank: Int) -> Bool {
    let channels = isChannelsFirst ? 1 : rank - 1
    return isLinear && (norm.axis < 0 ? norm.axis + rank : norm.axis) == channels
  }

  /// Numbers of the outputs `[C]` in a shape that multiplies the kernel.
  func alongKernel(_ x: Tensor) throws -> Tensor {
    try x.reshape(
      [-1] + Array(repeating: 1, count: kernel.value.shape.rank - kernelAxis - 1))
  }

  /// Numbers of the outputs `[C]` in a shape that multiplies a result of this rank.
  func alongResult(_ x: Tensor, rank: Int) throws -> Tensor {
    isChannelsFirst ? try x.reshape([-1] + Array(repeating: 1, count: rank - 2)) : x
  }

  /// The layer's results with other weights, and another bias where it has one.
  func run(_ x: Tensor, kernel weights: Tensor, bias offset: Tensor? = nil) throws -> Tensor {
    let before = (kernel.value, bias?.value)
    kernel.value = weights
    if let bias, let offset { bias.value = offset }
    defer {
      kernel.value = before.0
      if let bias, let value = before.1 { bias.value = value }
    }
    return try layer(x)
  }
}
