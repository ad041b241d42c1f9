/// What of a model becomes smaller numbers.
public enum QuantizationMode: String, Sendable, CaseIterable {
  /// Weights in int8; activations are quantised in every run by the range that they have in it.
  case dynamic
  /// Weights in int8; activations by ranges found once, on calibration data.
  case `static`
  /// Weights of matrix products in 4 bits, by blocks; those of convolutions in 8.
  case weights4
  /// Weights in 8 bits; what is computed stays float32.
  case weights8
  /// Weights kept in float16; what is computed stays float32.
  case fp16
  /// Weights kept in bfloat16; what is computed stays float32.
  case bf16

  /// Whether the mode cannot do without calibration data.
  public var needsCalibration: Bool { self == .static }
}
