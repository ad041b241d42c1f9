import Training

/// Long short-term memory by convolutions over 2 spatial axes. See `ConvLSTM`.
///
/// - Source: Keras 3 ConvLSTM2D.
public final class ConvLSTM2D: ConvLSTM {
  public init(
    _ filters: Int, _ size: Int, strides: Int = 1, padding: Padding = .valid,
    activation: ActivationFunction = .tanh, recurrentActivation: ActivationFunction = .sigmoid,
    useBias: Bool = true, returnsSequences: Bool = false, dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(
      axes: 2, filters, [size], strides: [strides], padding: padding, activation: activation,
      recurrentActivation: recurrentActivation, useBias: useBias,
      returnsSequences: returnsSequences, dataFormat: dataFormat)
  }
}
