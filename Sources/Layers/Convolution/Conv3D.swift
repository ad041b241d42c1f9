import Training

/// A convolution over three spatial axes: `[N, C, D, H, W]` with channels first. See `Convolution`.
///
/// - `size`, `strides`, `dilations`: one number for all axes, or one each in lists.
/// - Source: Keras 3 Conv3D.
public final class Conv3D: Convolution {
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
      axes: 3, filters, sizes, strides: strides, padding: padding, dilations: dilations,
      groups: groups, activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
      kernelRegularizer: kernelRegularizer, kernelConstraint: kernelConstraint)
  }
}
