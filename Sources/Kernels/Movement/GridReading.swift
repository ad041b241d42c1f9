import CKernels

/// float32 images read linearly at places between their pixels: places and weights are worked out once
/// for all channels. Where there are many channels and places, channels lie side by side meanwhile.
public struct GridReading: Sendable {
  private let batch: Int
  private let kernel: dl_grid
  private let isTurned: Bool
  private let isa: InstructionSet
  private static let piecePoints = 1024
  private static let lanes = 16

  /// - `points`: places for each image. - `aligns`: -1 and 1 are the middles of the outermost pixels, not
  ///   their edges. - `border`: outside lie the outermost pixels, not zeros.
  public init(
    batch: Int, channels: Int, height: Int, width: Int, points: Int, aligns: Bool, border: Bool,
    isa: InstructionSet = .current
  ) {
    precondition(height > 0 && width > 0, "an image without pixels")
    self.batch = batch
    self.isa = isa
    kernel = dl_grid(
      channels: Int64(channels), height: Int64(height), width: Int64(width),
      points: Int64(points), aligns: aligns ? 1 : 0, border: border ? 1 : 0)
    // Turning an image costs what reading it at half as many places does.
    isTurned = channels >= 8 && points >= height * width / 2
  }

  private var pixels: Int { Int(kernel.height * kernel.width) }
  private var groups: Int { (Int(kernel.channels) + Self.lanes - 1) / Self.lanes }
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { isTurned ? pixels * groups * Self.lanes * 4 : 0 }

  /// `x`: `[batch, channels, height, width]`, `grid`: `[batch, points, 2]`,
  /// `y`: `[batch, channels, points]`.
  public func run(
    x: UnsafePointer<Float>, grid: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let (points, channels) = (Int(kernel.points), Int(kernel.channels))
    let pieces = (points + Self.piecePoints - 1) / Self.piecePoints
    nonisolated(unsafe) let (x, grid, y) = (x, grid, y)
    let turned = scratch.assumingMemoryBound(to: Float.self)
    let read =
      isa >= .avx512
      ? dl_grid_linear_lanes__avx512
      : isa >= .avx2 ? dl_grid_linear_lanes__avx2 : dl_grid_linear_lanes__scalar
    func runPieces(of images: Range<Int>) {
      pool.run(images.count * pieces) { i in
        let n = images.lowerBound + i / pieces
        let first = i % pieces * Self.piecePoints
        var k = kernel
        let (places, to) = (grid + (n * points + first) * 2, y + n * channels * points + first)
        let count = Int64(min(Self.piecePoints, points - first))
        if isTurned {
          read(&k, turned, places, count, to)
        } else {
          dl_grid_linear_f32(&k, x + n * channels * pixels, places, count, to)
        }
      }
    }
    guard isTurned else {
      runPieces(of: 0..<batch)
      return
    }
    for n in 0..<batch {
      turn(x + n * channels * pixels, to: turned, pool)
      runPieces(of: n..<n + 1)
    }
  }

  /// Channels of an image side by side; those that fill the last group are not read.
  private func turn(
    _ x: UnsafePointer<Float>, to turned: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let (channels, stride) = (Int(kernel.channels), groups * Self.lanes)
    let each = 256
    pool.run((pixels + each - 1) / each) { i in
      let (first, count) = (i * each, min(each, pixels - i * each))
      let to = turned + first * stride
      if isa >= .avx2 {
        dl_transpose_x32_8x8__avx2(
          to, Int64(stride * 4), x + first, Int64(pixels * 4), Int64(channels), Int64(count))
      } else {
        dl_transpose_2d__scalar(
          to, Int64(stride * 4), x + first, Int64(pixels * 4), Int64(channels), Int64(count), 4)
      }
    }
  }
}
