import Tensors

extension EngineError {
  /// Whether a quantisation ended because no model keeps within the allowed drop: everything was
  /// in order, and the answer is no.
  public var isUnmetDrop: Bool { code == .value && message == PrecisionSearch.unmet }
}
