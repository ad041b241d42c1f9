import Training

/// A convolution of each channel by itself over two spatial axes: `[N, C, H, W]` with channels
/// first. See `DepthwiseConvolution`.
///
/// - Source: Keras 3 DepthwiseConv2D.
public final class DepthwiseConv2D: DepthwiseConvolution {
  /// - `multiplier`: results for each channel.
  public init(
    _ size: Int, strides: Int = 1, padding: Padding = .valid, multiplier: Int = 1,
    dilations: Int = 1, activation: ActivationFunction = .linear, useBias: Bool = true,
    dataFormat: DataFormat = .channelsFirst, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    super.init(
      axes: 2, [size], strides: [strides], padding: padding, multiplier: multiplier,
      dilations: [dilations], activation: activation, useBias: useBias, dataFormat: dataFormat,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer)
  }
}
