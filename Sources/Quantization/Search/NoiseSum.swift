import Tensors

/// Signal and noise of one value, summed over batches.
public struct NoiseSum: Sendable {
  private(set) var signal = 0.0
  private(set) var noise = 0.0

  /// The signal-to-noise ratio in decibels; infinite where both were equal.
  public var ratio: Double { decibels(signal: signal, noise: noise) }
  /// The root of noise over signal.
  public var relative: Double {
    noise == 0 ? 0 : signal > 0 ? (noise / signal).squareRoot() : .infinity
  }

  /// Adds tensors of one type; others, and what are no floats, are left out.
  mutating func add(_ exact: Tensor, _ rounded: Tensor) {
    guard exact.type == rounded.type, exact.dtype == .float32 else { return }
    var (s, n) = (0.0, 0.0)
    let y = rounded.elements(Float.self)
    for (i, x) in exact.elements(Float.self).enumerated() {
      let d = Double(x) - Double(y[i])
      // Masks are infinite in both.
      guard x.isFinite || d.isFinite else { continue }
      s += Double(x) * Double(x)
      n += d * d
    }
    signal += s
    noise += n
  }
}
