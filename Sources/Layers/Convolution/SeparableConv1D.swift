import Training

/// A convolution of each channel by itself, then one across channels, over one spatial axis: `[N,
/// C, T]` with channels first. See `SeparableConvolution`.
///
/// - Source: Keras 3 SeparableConv1D.
public final class SeparableConv1D: SeparableConvolution {
  /// - `multiplier`: results for each channel before they are mixed.
  public init(
    _ filters: Int, _ size: Int, strides: Int = 1, padding: Padding = .valid, multiplier: Int = 1,
    dilations: Int = 1, activation: ActivationFunction = .linear, useBias: Bool = true,
    dataFormat: DataFormat = .channelsFirst, depthwiseInitializer: Initializer = .glorotUniform,
    pointwiseInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros
  ) {
    super.init(
      axes: 1, filters, [size], strides: [strides], padding: padding, multiplier: multiplier,
      dilations: [dilations], activation: activation, useBias: useBias, dataFormat: dataFormat,
      depthwiseInitializer: depthwiseInitializer, pointwiseInitializer: pointwiseInitializer,
      biasInitializer: biasInitializer)
  }
}
