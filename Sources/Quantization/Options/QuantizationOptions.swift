import Tensors

/// Choices for quantising a model.
public struct QuantizationOptions: Sendable {
  public var mode: QuantizationMode
  /// How ranges of activations are chosen; for `static`.
  public var method = CalibrationMethod.minmax
  /// The part of the elements that `percentile` keeps within the range, in percent: 50 to 100.
  public var percentile = 99.99
  /// Whether weights have a scale for each output channel, instead of one for all.
  public var perChannel = true
  /// Whether activations are int8 around zero instead of uint8 with a zero point, and weights in
  /// blocks have no zero points.
  public var symmetric = false
  /// Names of layers that stay in float; `*` stands for any text.
  public var exclude: [String] = []
  /// Elements along the summed axis that share a scale, for weights in blocks: a power of two from
  /// 16.
  public var block = 32
  public var format = WeightFormat.qdq
  /// Whether weights in blocks are rounded by GPTQ, which needs calibration data.
  public var gptq = false
  /// How much of the outliers of activations moves into weights before quantising, 0 to 1; nil for
  /// none. Needs calibration data.
  public var smooth: Double?
  /// Whether the mean error that rounded weights cause goes into biases. Needs calibration data.
  public var biasCorrection = false
  /// Whether products of two activations are quantised as well; for `static`.
  public var attention = false
  /// The loss allowed: of accuracy as a fraction, of the mean squared error relative to what it
  /// was, or, without labels, the outputs' relative error. Layers that hurt most stay in float until
  /// it is met. Nil for no limit.
  public var maxDrop: Double?
  /// Rows that a layer's error and its part in the outputs' are measured on.
  public var probeRows = 64

  public init(mode: QuantizationMode) { self.mode = mode }

  /// Whether calibration data are needed.
  public var needsCalibration: Bool {
    mode.needsCalibration || gptq || smooth != nil || biasCorrection
  }

  /// Errors: `.usage` for values out of range and choices that contradict the mode.
  public func check() throws(EngineError) {
    guard percentile >= 50, percentile <= 100 else {
      throw EngineError(
        .usage, "the percentile is out of range", expected: "50 to 100", received: "\(percentile)")
    }
    guard block >= 16, block <= 1 << 16, block & (block - 1) == 0 else {
      throw EngineError(
        .usage, "the block size is no power of two", expected: "16, 32, ... 65536",
        received: "\(block)")
    }
    if let smooth, !(smooth >= 0 && smooth <= 1) {
      throw EngineError(
        .usage, "the strength of smoothing is out of range", expected: "0 to 1",
        received: "\(smooth)")
    }
    if let maxDrop, !(maxDrop >= 0) {
      throw EngineError(
        .usage, "the allowed drop is negative", expected: "0 or more", received: "\(maxDrop)")
    }
    let isBlocked = mode == .weights4 || mode == .weights8
    let isInteger = mode == .static || mode == .dynamic
    func only(_ isSet: Bool, _ what: String, _ fits: Bool, _ modes: String) throws(EngineError) {
      guard isSet, !fits else { return }
      throw EngineError(
        .usage, "\(what) plays no part in mode \(mode.rawValue)", expected: "mode \(modes)")
    }
    try only(gptq, "GPTQ", isBlocked, "weights4 or weights8")
    try only(smooth != nil, "smoothing", isInteger, "static or dynamic")
    try only(
      biasCorrection, "bias correction", isBlocked || isInteger, "static, dynamic or weights")
    try only(
      maxDrop != nil, "an allowed drop", isBlocked || isInteger, "static, dynamic or weights")
    try only(attention, "quantising attention", mode == .static, "static")
  }
}
