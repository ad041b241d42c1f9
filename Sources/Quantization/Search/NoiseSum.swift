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

  /// Adds tensors of one type; others, and what are no numbers, are left out.
  mutating func add(_ exact: Tensor, _ rounded: Tensor) {
    guard exact.type == rounded.type else { return }
    if exact.dtype == .float32 {
      add(exact.elements(Float.self).lazy.map { Double($0) }, rounded.floatList)
    } else if let x = exact.plainNumbers, let y = rounded.plainNumbers {
      add(x, y.map { Float($0) })
    }
  }

  private mutating func add(_ exact: some Sequence<Double>, _ rounded: [Float]) {
    var (s, n) = (0.0, 0.0)
    for (x, y) in zip(exact, rounded) {
      let d = x - Double(y)
      // Masks are infinite in both.
      guard x.isFinite || d.isFinite else { continue }
      s += x * x
      n += d * d
    }
    signal += s
    noise += n
  }
}
