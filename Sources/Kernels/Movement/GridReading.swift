import CKernels

/// float32 images read linearly at places between their pixels: places and weights are worked out once
/// for all channels.
public struct GridReading: Sendable {
  private let batch: Int
  private let kernel: dl_grid
  private static let piecePoints = 1024

  /// - `points`: places for each image. - `aligns`: -1 and 1 are the middles of the outermost pixels, not
  ///   their edges. - `border`: outside lie the outermost pixels, not zeros.
  public init(
    batch: Int, channels: Int, height: Int, width: Int, points: Int, aligns: Bool, border: Bool
  ) {
    precondition(height > 0 && width > 0, "an image without pixels")
    self.batch = batch
    kernel = dl_grid(
      channels: Int64(channels), height: Int64(height), width: Int64(width),
      points: Int64(points), aligns: aligns ? 1 : 0, border: border ? 1 : 0)
  }

  /// `x`: `[batch, channels, height, width]`, `grid`: `[batch, points, 2]`,
  /// `y`: `[batch, channels, points]`.
  public func run(
    x: UnsafePointer<Float>, grid: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    let (points, channels) = (Int(kernel.points), Int(kernel.channels))
    let pixels = Int(kernel.height * kernel.width)
    let pieces = (points + Self.piecePoints - 1) / Self.piecePoints
    nonisolated(unsafe) let (x, grid, y) = (x, grid, y)
    pool.run(batch * pieces) { i in
      let (n, first) = (i / pieces, i % pieces * Self.piecePoints)
      var k = kernel
      dl_grid_linear_f32(
        &k, x + n * channels * pixels, grid + (n * points + first) * 2,
        Int64(min(Self.piecePoints, points - first)), y + n * channels * points + first)
    }
  }
}
