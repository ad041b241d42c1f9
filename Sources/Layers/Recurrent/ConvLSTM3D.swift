import Training

/// Long short-term memory by convolutions over 3 spatial axes. See `ConvLSTM`.
///
/// - Source: Keras 3 ConvLSTM3D.
public final class ConvLSTM3D: ConvLSTM {
  public init(
    _ filters: Int, _ size: Int, strides: Int = 1, padding: Padding = .valid,
    activation: ActivationFunction = .tanh, recurrentActivation: ActivationFunction = .sigmoid,
    useBias: Bool = true, returnsSequences: Bool = false, dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(
      axes: 3, filters, [size], strides: [strides], padding: padding, activation: activation,
      recurrentActivation: recurrentActivation, useBias: useBias,
      returnsSequences: returnsSequences, dataFormat: dataFormat)
  }
}
