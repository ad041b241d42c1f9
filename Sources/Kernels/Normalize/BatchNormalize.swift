import Tensors

/// Channels of `[batch, channels, size]` normalised with given moments, or with their own.
public struct BatchNormalize: Sendable {
  let batch: Int
  let channels: Int
  let size: Int
  let epsilon: Double
  let momentum: Double

  public init(batch: Int, channels: Int, size: Int, epsilon: Double, momentum: Double) {
    self.batch = batch
    self.channels = channels
    self.size = size
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// Addresses of `channels` elements each.
  public struct Parameters {
    public let gain: UnsafeRawPointer
    public let bias: UnsafeRawPointer
    public let mean: UnsafeRawPointer
    public let variance: UnsafeRawPointer
    public init(
      gain: UnsafeRawPointer, bias: UnsafeRawPointer, mean: UnsafeRawPointer,
      variance: UnsafeRawPointer
    ) {
      self.gain = gain
      self.bias = bias
      self.mean = mean
      self.variance = variance
    }
  }

  /// `y = (x - mean) / sqrt(variance + epsilon) * gain + bias`.
  public func run(
    _ dtype: DType, x: UnsafeRawPointer, _ p: Parameters, into y: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    if dtype == .float32 {
      infer(Float.self, x, p, y, pool)
    } else {
      infer(Double.self, x, p, y, pool)
    }
  }

  /// The same with the moments of `x` over batch and size. The results, where wanted: the running
  /// mean and variance, `given * momentum + own * (1 - momentum)`, and the moments themselves.
  public func train(
    _ dtype: DType, x: UnsafeRawPointer, _ p: Parameters, into y: UnsafeMutableRawPointer,
    runningMean: UnsafeMutableRawPointer?, runningVariance: UnsafeMutableRawPointer?,
    mean: UnsafeMutableRawPointer?, variance: UnsafeMutableRawPointer?, pool: ThreadPool
  ) {
    if dtype == .float32 {
      train(Float.self, x, p, y, runningMean, runningVariance, mean, variance, pool)
    } else {
      train(Double.self, x, p, y, runningMean, runningVariance, mean, variance, pool)
    }
  }

  private func infer<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ p: Parameters, _ y: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let gain = p.gain.assumingMemoryBound(to: T.self)
    let bias = p.bias.assumingMemoryBound(to: T.self)
    let mean = p.mean.assumingMemoryBound(to: T.self)
    let variance = p.variance.assumingMemoryBound(to: T.self)
    if size == 1 {
      // Columns of a matrix: the roots are taken once for a tile of channels and many rows.
      let (tile, tall) = (128, 512)
      let tiles = (channels + tile - 1) / tile
      pool.run(tiles * ((batch + tall - 1) / tall)) { i in
        let first = i % tiles * tile
        let width = min(tile, channels - first)
        withUnsafeTemporaryAllocation(of: T.self, capacity: 128) { scale in
          for c in 0..<width {
            scale[c] = gain[first + c] / (variance[first + c] + T(epsilon)).squareRoot()
          }
          let (mean, bias) = (mean + first, bias + first)
          for b in i / tiles * tall..<min(batch, (i / tiles + 1) * tall) {
            let (from, to) = (x + b * channels + first, y + b * channels + first)
            for c in 0..<width { to[c] = (from[c] - mean[c]) * scale[c] + bias[c] }
          }
        }
      }
      return
    }
    pool.run(batch * channels) { i in
      let c = i % channels
      T.affine(
        x + i * size, size, shift: mean[c],
        scale: gain[c] / (variance[c] + T(epsilon)).squareRoot(), bias: bias[c],
        into: y + i * size)
    }
  }

  private func train<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ p: Parameters, _ y: UnsafeMutableRawPointer,
    _ runningMean: UnsafeMutableRawPointer?, _ runningVariance: UnsafeMutableRawPointer?,
    _ savedMean: UnsafeMutableRawPointer?, _ savedVariance: UnsafeMutableRawPointer?,
    _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let gain = p.gain.assumingMemoryBound(to: T.self)
    let bias = p.bias.assumingMemoryBound(to: T.self)
    let oldMean = p.mean.assumingMemoryBound(to: T.self)
    let oldVariance = p.variance.assumingMemoryBound(to: T.self)
    let keep = T(momentum)
    pool.run(channels) { c in
      var sum = 0.0
      for b in 0..<batch {
        sum += T.sum(x + (b * channels + c) * size, size)
      }
      let count = Double(batch * size)
      let mean = T(sum / count)
      var squares = 0.0
      for b in 0..<batch {
        squares += T.squares(x + (b * channels + c) * size, size, around: mean)
      }
      let variance = T(squares / count)
      let scale = gain[c] / (variance + T(epsilon)).squareRoot()
      for b in 0..<batch {
        let at = (b * channels + c) * size
        T.affine(x + at, size, shift: mean, scale: scale, bias: bias[c], into: y + at)
      }
      func store(_ to: UnsafeMutableRawPointer?, _ value: T) {
        to?.assumingMemoryBound(to: T.self)[c] = value
      }
      store(runningMean, oldMean[c] * keep + mean * (1 - keep))
      store(runningVariance, oldVariance[c] * keep + variance * (1 - keep))
      store(savedMean, mean)
      store(savedVariance, variance)
    }
  }
}
