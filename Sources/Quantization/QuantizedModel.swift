import Graphs

/// A quantised model with the report of what it took.
public struct QuantizedModel: Sendable {
  /// Standard ONNX, or with nodes of com.microsoft where these were asked for.
  public let model: ModelGraph
  public let report: QuantizationReport
}
