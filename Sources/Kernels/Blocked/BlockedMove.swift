import CKernels

/// Moves float32 images between planes, `[batch, channels, pixels]`, and the blocked layout,
/// `[batch, blocks, pixels, lanes]` with zeros in the lanes beyond the last channel; volumes between
/// `[batch, channels, depth, pixels]` and `[batch, depth, blocks, pixels, lanes]`.
public struct BlockedMove: Sendable {
  public let batch: Int
  public let channels: Int
  /// Planes of a volume; 1 for images.
  public let depth: Int
  public let pixels: Int
  /// Channels that lie side by side: 8 or 16.
  public let lanes: Int
  public let isa: InstructionSet

  public init(
    batch: Int, channels: Int, depth: Int = 1, pixels: Int, lanes: Int,
    isa: InstructionSet = .current
  ) {
    precondition(lanes == 8 || lanes == 16, "\(lanes) lanes")
    self.batch = batch
    self.channels = channels
    self.depth = depth
    self.pixels = pixels
    self.lanes = lanes
    self.isa = isa
  }

  public var blocks: Int { (channels + lanes - 1) / lanes }
  public var plainCount: Int { batch * channels * depth * pixels }
  public var blockedCount: Int { batch * depth * blocks * pixels * lanes }

  /// Pixels of a piece of work: about 64 KB on each side.
  private static let step = 1024

  private func forEachPiece(
    _ pool: ThreadPool, _ body: (_ plain: Int, _ blocked: Int, _ pixels: Int, _ lanes: Int) -> Void
  ) {
    let steps = (pixels + Self.step - 1) / Self.step
    pool.run(batch * depth * blocks * steps) { piece in
      let (part, image) = (piece % steps, piece / steps)
      let (block, plane) = (image % blocks, image / blocks)
      let (d, n) = (plane % depth, plane / depth)
      let at = part * Self.step
      body(
        ((n * channels + block * lanes) * depth + d) * pixels + at,
        (image * pixels + at) * lanes,
        min(Self.step, pixels - at), min(lanes, channels - block * lanes))
    }
  }

  /// Writes `blockedCount` elements.
  public func toBlocked(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    forEachPiece(pool) { plain, blocked, count, valid in
      let (from, to) = (x + plain, y + blocked)
      #if arch(x86_64)
        if isa >= .avx512 && lanes == 16 {
          dl_to_blocked_f32__avx512(to, from, count, depth * pixels, valid, lanes)
          return
        } else if isa >= .avx2 && lanes == 8 {
          dl_to_blocked_f32__avx2(to, from, count, depth * pixels, valid, lanes)
          return
        }
      #endif
      dl_to_blocked_f32__scalar(to, from, count, depth * pixels, valid, lanes)
    }
  }

  /// Writes `plainCount` elements.
  public func fromBlocked(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    nonisolated(unsafe) let (x, y) = (x, y)
    forEachPiece(pool) { plain, blocked, count, valid in
      let (from, to) = (x + blocked, y + plain)
      #if arch(x86_64)
        if isa >= .avx512 && lanes == 16 {
          dl_from_blocked_f32__avx512(to, from, count, depth * pixels, valid, lanes)
          return
        } else if isa >= .avx2 && lanes == 8 {
          dl_from_blocked_f32__avx2(to, from, count, depth * pixels, valid, lanes)
          return
        }
      #endif
      dl_from_blocked_f32__scalar(to, from, count, depth * pixels, valid, lanes)
    }
  }
}
