import CKernels

/// The mean of every channel of blocked images over all pixels.
public struct BlockedMean: Sendable {
  let batch: Int
  let channels: Int
  let pixels: Int
  let lanes: Int
  let keepsBlocks: Bool
  let isa: InstructionSet
  let isParallel: Bool
  public var label: String { "mean blocked \(isa)" }

  /// - `keepsBlocks`: the result is `[batch, blocks, lanes]`, else `[batch, channels]`.
  public init(
    batch: Int, channels: Int, pixels: Int, lanes: Int, keepsBlocks: Bool, threads: Int = 1,
    isa: InstructionSet = .current
  ) {
    (self.batch, self.channels, self.pixels, self.lanes) = (batch, channels, pixels, lanes)
    self.keepsBlocks = keepsBlocks
    self.isa = isa.blocked(lanes: lanes)
    isParallel = threads > 1 && batch * channels * pixels >= 65_536
  }

  public func run(
    x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let blocks = (channels + lanes - 1) / lanes
    let count = batch * blocks
    let pieces = isParallel ? min(count, 16) : 1
    nonisolated(unsafe) let (x, y) = (x, y)
    pool.run(pieces) { piece in
      // A vector of means, of which plain results take the channels.
      var mean = InlineArray<16, Float>(repeating: 0)
      for i in (piece * count / pieces)..<((piece + 1) * count / pieces) {
        let (n, block) = (i / blocks, i % blocks)
        let valid = min(lanes, channels - block * lanes)
        withUnsafeMutableBytes(of: &mean) { bytes in
          guard let to = bytes.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
          one(x + i * pixels * lanes, to)
          let target = keepsBlocks ? y + i * lanes : y + n * channels + block * lanes
          for l in 0..<(keepsBlocks ? lanes : valid) { target[l] = l < valid ? to[l] : 0 }
        }
      }
    }
  }

  private func one(_ x: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>) {
    switch isa {
    #if arch(x86_64)
      case .avx512: dl_blocked_mean_f32__avx512(x, pixels, to)
      case .avx2: dl_blocked_mean_f32__avx2(x, pixels, to)
    #endif
    default: dl_blocked_mean_f32__scalar(x, pixels, to, lanes)
    }
  }
}
