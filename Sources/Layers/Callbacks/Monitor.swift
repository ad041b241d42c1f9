import Tensors

/// Whether a figure that is watched should fall or rise.
public enum MonitorMode: Sendable {
  /// Falling, unless the name tells otherwise: accuracy, precision, recall, AUC and the like.
  case automatic
  case falling, rising
}

/// A figure that is watched, and its best value.
struct Monitor {
  let name: String
  let isRising: Bool
  let leastChange: Double
  var best: Double?

  init(_ name: String, _ mode: MonitorMode, leastChange: Double = 0) {
    self.name = name
    self.leastChange = abs(leastChange)
    switch mode {
    case .falling: isRising = false
    case .rising: isRising = true
    case .automatic:
      let rising = ["accuracy", "precision", "recall", "auc", "f1", "r2", "iou", "correlation"]
      isRising = rising.contains { name.contains($0) }
    }
  }

  /// The figure of an epoch.
  ///
  /// Errors: `.usage` that lists the figures there are.
  func value(_ logs: Logs) throws(EngineError) -> Double {
    if let value = logs[name] { return value }
    throw EngineError(
      .usage, "no figure of this name is measured", expected: logs.names.joined(separator: ", "),
      received: "'\(name)'",
      hint: name.hasPrefix("val_") ? "give fit some validation data" : nil)
  }

  /// Whether a value is better than the best before; NaN never is.
  func isBetter(_ value: Double) -> Bool {
    guard !value.isNaN else { return false }
    guard let best else { return true }
    return isRising ? value > best + leastChange : value < best - leastChange
  }

  /// Takes a value in; whether it is the best.
  mutating func take(_ value: Double) -> Bool {
    guard isBetter(value) else { return false }
    best = value
    return true
  }
}
