import Tensors

/// `[batch, groups, channels, size]` with every group of an instance brought to zero mean and unit
/// variance, then each channel scaled and shifted.
public struct GroupNormalize: Sendable {
  let batch: Int
  let groups: Int
  let channels: Int
  let size: Int
  let epsilon: Double
  let isPerGroup: Bool

  /// - Parameter channels: how many a group has.
  /// - Parameter isPerGroup: gain and bias are `[groups]` instead of `[groups * channels]`.
  public init(
    batch: Int, groups: Int, channels: Int, size: Int, epsilon: Double, isPerGroup: Bool = false
  ) {
    self.batch = batch
    self.groups = groups
    self.channels = channels
    self.size = size
    self.epsilon = epsilon
    self.isPerGroup = isPerGroup
  }

  public func run(
    _ dtype: DType, x: UnsafeRawPointer, gain: UnsafeRawPointer, bias: UnsafeRawPointer,
    into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float32 {
      run(Float.self, x, gain, bias, y, pool)
    } else {
      run(Double.self, x, gain, bias, y, pool)
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ gain: UnsafeRawPointer, _ bias: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let gain = gain.assumingMemoryBound(to: T.self)
    let bias = bias.assumingMemoryBound(to: T.self)
    let n = channels * size
    pool.run(batch * groups) { i in
      let from = x.assumingMemoryBound(to: T.self) + i * n
      let to = y.assumingMemoryBound(to: T.self) + i * n
      let (mean, variance) = T.moments(from, n)
      let scale = 1 / (variance + T(epsilon)).squareRoot()
      for c in 0..<channels {
        let p = isPerGroup ? i % groups : i % groups * channels + c
        T.affine(
          from + c * size, size, shift: mean, scale: scale * gain[p], bias: bias[p],
          into: to + c * size)
      }
    }
  }
}
