import CKernels

/// Groups of channels of blocked images brought to zero mean and unit variance, then each channel
/// scaled and shifted.
///
/// One pass finds mean and spread of every channel, in double beyond 64 pixels; those of a group are
/// joined from them, and a second pass applies what remains of it, a product and a sum.
public struct BlockedGroupNormalize: Sendable {
  let batch: Int
  let groups: Int
  let channels: Int
  let pixels: Int
  let lanes: Int
  let epsilon: Double
  let isa: InstructionSet
  let isParallel: Bool
  public var label: String { "group norm blocked \(isa)" }
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { batch * blocks * lanes * (2 * 8 + 2 * 4) }

  var blocks: Int { (channels + lanes - 1) / lanes }

  /// - `channels`: of all groups.
  public init(
    batch: Int, groups: Int, channels: Int, pixels: Int, lanes: Int, epsilon: Double,
    threads: Int = 1, isa: InstructionSet = .current
  ) {
    precondition(groups > 0 && channels % groups == 0, "channels do not divide into groups")
    (self.batch, self.groups, self.channels) = (batch, groups, channels)
    (self.pixels, self.lanes, self.epsilon) = (pixels, lanes, epsilon)
    self.isa = isa.blocked(lanes: lanes)
    isParallel = threads > 1 && batch * channels * pixels >= 32_768
  }

  /// `gain` and `bias` have an element a channel; `y` may be `x`.
  public func run(
    x: UnsafePointer<Float>, gain: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = batch * blocks
    nonisolated(unsafe) let (x, y) = (x, y)
    nonisolated(unsafe) let means = scratch.assumingMemoryBound(to: Double.self)
    nonisolated(unsafe) let spreads = means + units * lanes
    nonisolated(unsafe) let scales = UnsafeMutableRawPointer(spreads + units * lanes)
      .assumingMemoryBound(to: Float.self)
    nonisolated(unsafe) let shifts = scales + units * lanes
    let pieces = isParallel ? min(units, 32) : 1
    pool.run(pieces) { piece in
      for i in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        moments(x + i * pixels * lanes, means + i * lanes, spreads + i * lanes)
      }
    }
    for n in 0..<batch {
      let at = n * blocks * lanes
      join(means + at, spreads + at, gain, bias, scales + at, shifts + at)
    }
    pool.run(pieces) { piece in
      for i in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        let at = i * pixels * lanes
        affine(y + at, x + at, scales + i * lanes, shifts + i * lanes)
      }
    }
  }

  /// What each lane of an instance is multiplied by, and what is added; 0 behind the last channel.
  private func join(
    _ means: UnsafePointer<Double>, _ spreads: UnsafePointer<Double>,
    _ gain: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ scales: UnsafeMutablePointer<Float>, _ shifts: UnsafeMutablePointer<Float>
  ) {
    let size = channels / groups
    for group in 0..<groups {
      let first = group * size
      var (mean, spread) = (0.0, 0.0)
      for c in first..<first + size {
        let count = Double((c - first) * pixels)
        dl_join_moments(count, &mean, &spread, Double(pixels), means[c], spreads[c])
      }
      let factor = 1 / (spread / Double(size * pixels) + epsilon).squareRoot()
      for c in first..<first + size {
        let scale = factor * Double(gain[c])
        scales[c] = Float(scale)
        shifts[c] = Float(Double(bias[c]) - mean * scale)
      }
    }
    for lane in channels..<blocks * lanes { (scales[lane], shifts[lane]) = (0, 0) }
  }

  private func moments(
    _ x: UnsafePointer<Float>, _ mean: UnsafeMutablePointer<Double>,
    _ spread: UnsafeMutablePointer<Double>
  ) {
    switch isa {
    #if arch(x86_64)
      case .avx512: dl_blocked_moments_f32__avx512(x, pixels, mean, spread)
      case .avx2: dl_blocked_moments_f32__avx2(x, pixels, mean, spread)
    #endif
    default: dl_blocked_moments_f32__scalar(x, pixels, mean, spread, lanes)
    }
  }

  private func affine(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ scale: UnsafePointer<Float>,
    _ shift: UnsafePointer<Float>
  ) {
    switch isa {
    #if arch(x86_64)
      case .avx512: dl_blocked_affine_f32__avx512(y, x, pixels, scale, shift)
      case .avx2: dl_blocked_affine_f32__avx2(y, x, pixels, scale, shift)
    #endif
    default: dl_blocked_affine_f32__scalar(y, x, pixels, scale, shift, lanes)
    }
  }
}
