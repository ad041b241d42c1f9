import Tensors

/// Groups of channels of `[batch, pixels, channels]` or `[batch, channels, pixels]` brought to zero
/// mean and unit variance, scaled, shifted and perhaps put through SiLU; float32.
///
/// Sums in float64, pixel by pixel; groups are split over threads.
public struct PixelNormalize: Sendable {
  let batch: Int
  let pixels: Int
  let channels: Int
  let groups: Int
  let isLast: Bool
  let epsilon: Float
  let isActivated: Bool
  /// One skip value for all pixels of a channel.
  let repeatsSkip: Bool

  public init(
    batch: Int, pixels: Int, channels: Int, groups: Int, isLast: Bool, epsilon: Float,
    isActivated: Bool, repeatsSkip: Bool
  ) {
    self.batch = batch
    self.pixels = pixels
    self.channels = channels
    self.groups = groups
    self.isLast = isLast
    self.epsilon = epsilon
    self.isActivated = isActivated
    self.repeatsSkip = repeatsSkip
  }

  /// `sum` gets `x + skip + bias`.
  public func run(
    x: UnsafePointer<Float>, gain: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    skip: UnsafePointer<Float>?, bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>,
    sum: UnsafeMutablePointer<Float>?, pool: ThreadPool
  ) {
    let width = channels / groups
    guard width > 0, pixels > 0 else { return }
    pool.run(batch * groups) { i in
      let b = i / groups
      let first = i % groups * width
      let base = b * pixels * channels
      // Distances between pixels and between channels.
      let (step, across) = isLast ? (channels, 1) : (1, pixels)
      var total: Double = 0
      for c in first..<first + width {
        for p in 0..<pixels {
          let at = base + p * step + c * across
          var v = x[at]
          if let skip { v += skip[repeatsSkip ? b * channels + c : at] }
          if let bias { v += bias[c] }
          y[at] = v
          sum?[at] = v
          total += Double(v)
        }
      }
      let count = Double(width * pixels)
      let mean = total / count
      var squares: Double = 0
      for c in first..<first + width {
        for p in 0..<pixels {
          let d = Double(y[base + p * step + c * across]) - mean
          squares += d * d
        }
      }
      let scale = 1 / (Float(squares / count) + epsilon).squareRoot()
      for c in first..<first + width {
        let (g, s) = (gain[c] * scale, shift[c])
        for p in 0..<pixels {
          let at = base + p * step + c * across
          let v = (y[at] - Float(mean)) * g + s
          y[at] = isActivated ? v / (1 + Float.exponential(-v)) : v
        }
      }
    }
  }
}
