/// A factor for the learning rate that shrinks when a measured value stops improving. torch's
/// ReduceLROnPlateau with absolute or relative threshold; Keras' callback of the same name.
public struct PlateauRate: Sendable {
  public let factor: Double
  public let patience: Int
  public let threshold: Double
  public let cooldown: Int
  public let smallest: Double
  public let isRelative: Bool
  /// What the learning rate is multiplied by now.
  public private(set) var rateFactor = 1.0
  private var best = Double.infinity
  private var bad = 0
  private var resting = 0

  /// - `patience`: measurements without improvement that are borne.
  public init(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, cooldown: Int = 0,
    smallest: Double = 0, isRelative: Bool = true
  ) {
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.cooldown = cooldown
    self.smallest = smallest
    self.isRelative = isRelative
  }

  /// Takes a value that should fall, such as the loss on held-out data.
  public mutating func measure(_ value: Double) {
    let bar = isRelative ? best * (1 - threshold) : best - threshold
    if best == .infinity && value.isFinite || value < bar {
      best = value
      bad = 0
    } else {
      bad += 1
    }
    if resting > 0 {
      resting -= 1
      bad = 0
    }
    if bad > patience {
      rateFactor = max(rateFactor * factor, smallest)
      resting = cooldown
      bad = 0
    }
  }
}
