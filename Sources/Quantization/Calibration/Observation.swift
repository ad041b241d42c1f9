import Tensors

/// What calibration saw of one value.
struct Observation: Sendable {
  private(set) var histogram = Histogram()
  private(set) var averageLow: Float = 0
  private(set) var averageHigh: Float = 0
  private var batches = 0

  /// Batches after which the moving average forgets.
  private static let memory = 10

  mutating func add(_ tensor: Tensor) {
    guard let (low, high) = histogram.add(tensor) else { return }
    batches += 1
    let weight = 1 / Float(min(batches, Self.memory))
    averageLow += (low - averageLow) * weight
    averageHigh += (high - averageHigh) * weight
  }

  /// The range that a method chooses; it always holds zero.
  func range(_ options: QuantizationOptions) -> ClosedRange<Float> {
    let h = histogram
    guard h.total > 0 else { return 0...0 }
    let full = min(h.minimum, 0)...max(h.maximum, 0)
    let chosen: ClosedRange<Float> =
      switch options.method {
      case .minmax: full
      case .average: min(averageLow, 0)...max(averageHigh, 0)
      case .percentile: h.percentileRange(options.percentile)
      case .entropy: h.entropyRange()
      case .mse: h.leastErrorRange(symmetric: options.symmetric)
      }
    return chosen.clamped(to: full)
  }
}
