import Training

/// A transposed convolution over three spatial axes: `[N, C, D, H, W]` with channels first. See
/// `TransposedConvolution`.
///
/// - Source: Keras 3 Conv3DTranspose.
public final class Conv3DTranspose: TransposedConvolution {
  /// A kernel of one size along all axes.
  public convenience init(
    _ filters: Int, _ size: Int, strides: Int = 1, padding: Padding = .valid, dilations: Int = 1,
    activation: ActivationFunction = .linear, useBias: Bool = true,
    dataFormat: DataFormat = .channelsFirst, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.init(
      filters, [size], strides: [strides], padding: padding, dilations: [dilations],
      activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer)
  }

  public init(
    _ filters: Int, _ sizes: [Int], strides: [Int] = [1], padding: Padding = .valid,
    dilations: [Int] = [1], activation: ActivationFunction = .linear, useBias: Bool = true,
    dataFormat: DataFormat = .channelsFirst, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    super.init(
      axes: 3, filters, sizes, strides: strides, padding: padding, dilations: dilations,
      activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer)
  }
}
