import Training

/// A convolution over one spatial axis: `[N, C, T]` with channels first. See `Convolution`.
/// `padding: .causal` lets a step depend on none after it.
///
/// - `size`, `strides`, `dilations`: one number for all axes, or one each in lists.
/// - Source: Keras 3 Conv1D.
public final class Conv1D: Convolution {
  /// A kernel of one size along all axes.
  public convenience init(
    _ filters: Int, _ size: Int, strides: Int = 1, padding: Padding = .valid, dilations: Int = 1,
    groups: Int = 1, activation: ActivationFunction = .linear, useBias: Bool = true,
    dataFormat: DataFormat = .channelsFirst, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros, kernelRegularizer: Regularizer? = nil,
    kernelConstraint: Constraint? = nil
  ) {
    self.init(
      filters, [size], strides: [strides], padding: padding, dilations: [dilations],
      groups: groups, activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
      kernelRegularizer: kernelRegularizer, kernelConstraint: kernelConstraint)
  }

  public init(
    _ filters: Int, _ sizes: [Int], strides: [Int] = [1], padding: Padding = .valid,
    dilations: [Int] = [1], groups: Int = 1, activation: ActivationFunction = .linear,
    useBias: Bool = true, dataFormat: DataFormat = .channelsFirst,
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    kernelRegularizer: Regularizer? = nil, kernelConstraint: Constraint? = nil
  ) {
    super.init(
      axes: 1, filters, sizes, strides: strides, padding: padding, dilations: dilations,
      groups: groups, activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
      kernelRegularizer: kernelRegularizer, kernelConstraint: kernelConstraint)
  }
}
