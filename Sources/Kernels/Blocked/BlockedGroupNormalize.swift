import CKernels

/// Groups of channels of blocked images, or of volumes whose planes are images, brought to zero mean
/// and unit variance, then each channel scaled and shifted.
///
/// One pass finds mean and spread of every channel, in double beyond 64 pixels; those of a group are
/// joined from them, and a second pass applies what remains of it, a product and a sum.
public struct BlockedGroupNormalize: Sendable {
  let batch: Int
  /// Planes of a volume; 1 for images.
  let depth: Int
  let groups: Int
  let channels: Int
  let pixels: Int
  let lanes: Int
  let epsilon: Double
  let isa: InstructionSet
  let isParallel: Bool
  public var label: String { "group norm blocked \(isa)" }
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { batch * blocks * lanes * (depth * 2 * 8 + 2 * 4) }

  var blocks: Int { (channels + lanes - 1) / lanes }

  /// - `batch`: of volumes, where they have a `depth`. - `channels`: of all groups.
  public init(
    batch: Int, depth: Int = 1, groups: Int, channels: Int, pixels: Int, lanes: Int,
    epsilon: Double, threads: Int = 1, isa: InstructionSet = .current
  ) {
    precondition(groups > 0 && channels % groups == 0, "channels do not divide into groups")
    (self.batch, self.depth) = (batch, depth)
    (self.groups, self.channels) = (groups, channels)
    (self.pixels, self.lanes, self.epsilon) = (pixels, lanes, epsilon)
    self.isa = isa.blocked(lanes: lanes)
    isParallel = threads > 1 && batch * depth * channels * pixels >= 32_768
  }

  /// `gain` and `bias` have an element a channel; `y` may be `x`.
  public func run(
    x: UnsafePointer<Float>, gain: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = batch * depth * blocks
    nonisolated(unsafe) let (x, y) = (x, y)
    nonisolated(unsafe) let means = scratch.assumingMemoryBound(to: Double.self)
    nonisolated(unsafe) let spreads = means + units * lanes
    nonisolated(unsafe) let scales = UnsafeMutableRawPointer(spreads + units * lanes)
      .assumingMemoryBound(to: Float.self)
    nonisolated(unsafe) let shifts = scales + batch * blocks * lanes
    let pieces = isParallel ? min(units, 32) : 1
    pool.run(pieces) { piece in
      for i in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        moments(x + i * pixels * lanes, means + i * lanes, spreads + i * lanes)
      }
    }
    for n in 0..<batch {
      let (at, first) = (n * blocks * lanes, n * depth * blocks * lanes)
      join(means + first, spreads + first, gain, bias, scales + at, shifts + at)
    }
    pool.run(pieces) { piece in
      for i in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        let at = i * pixels * lanes
        let place = (i / blocks / depth * blocks + i % blocks) * lanes
        affine(y + at, x + at, scales + place, shifts + place)
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
        for d in 0..<depth {
          let count = Double(((c - first) * depth + d) * pixels)
          let at = d * blocks * lanes + c
          dl_join_moments(count, &mean, &spread, Double(pixels), means[at], spreads[at])
        }
      }
      let factor = 1 / (spread / Double(size * depth * pixels) + epsilon).squareRoot()
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
