import Training

/// A convolution of each channel by itself over one spatial axis: `[N, C, T]` with channels first.
/// See `DepthwiseConvolution`.
///
/// - Source: Keras 3 DepthwiseConv1D.
public final class DepthwiseConv1D: DepthwiseConvolution {
  /// - `multiplier`: results for each channel.
  public init(
    _ size: Int, strides: Int = 1, padding: Padding = .valid, multiplier: Int = 1,
    dilations: Int = 1, activation: ActivationFunction = .linear, useBias: Bool = true,
    dataFormat: DataFormat = .channelsFirst, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    super.init(
      axes: 1, [size], strides: [strides], padding: padding, multiplier: multiplier,
      dilations: [dilations], activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer)
  }
}
