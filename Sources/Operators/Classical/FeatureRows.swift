import Graphs
import Kernels
import Tensors

/// Rows of features `[N, F]`, or one row `[F]`, taken tile by tile in float32 on several threads.
///
/// Other dtypes are rounded to float32 tile by tile. Where tiles begin depends on the sizes alone.
struct FeatureRows: Sendable {
  let rows: Int
  let features: Int
  /// Rows of a tile; the last may be shorter.
  let tile: Int
  let scratchBytes: Int
  private let pieces: Int
  private let cast: CastKernel?
  private let elementBytes: Int
  private let castBytes: Int
  private let pieceBytes: Int

  /// - `floatsPerRow`: float32 of scratch that a row needs beside its features.
  /// - `bytesPerPiece`: further scratch of a thread, for a number of rows in a tile.
  init(
    _ x: TensorType, floatsPerRow: Int, threads: Int, bytesPerPiece: (Int) -> Int = { _ in 0 }
  ) throws(EngineError) {
    let rank = x.shape.rank
    rows = rank == 1 ? 1 : x.shape[0]
    features = x.shape[rank - 1]
    if x.dtype == .float32 {
      cast = nil
    } else if let kernel = CastKernel(x.dtype, .float32) {
      cast = kernel
    } else {
      throw EngineError(.dtype, "no kernel for these element types", received: "\(x.dtype)")
    }
    elementBytes = x.dtype.byteSize
    // A multiple of the row counts of all product tiles, and little enough for the caches.
    let unit = 84
    let perRow = features + floatsPerRow
    tile = unit * max(1, min(12, (1 << 16) / max(1, perRow * unit)))
    let tiles = (rows + tile - 1) / tile
    pieces = min(tiles, max(1, threads) * 4)
    let rowsOfTile = min(tile, rows)
    castBytes = cast == nil ? 0 : FeatureRows.aligned(rowsOfTile * features * 4)
    pieceBytes = castBytes + FeatureRows.aligned(bytesPerPiece(rowsOfTile))
    let (total, overflow) = pieceBytes.multipliedReportingOverflow(by: pieces)
    guard !overflow else { throw EngineError(.budget, "scratch beyond what memory can address") }
    scratchBytes = total
  }

  static func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

  /// Calls `body` for each tile with its rows, their features, and the thread's own scratch.
  func run(
    _ x: UnsafeRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool,
    _ body: (Range<Int>, UnsafePointer<Float>, UnsafeMutableRawPointer) -> Void
  ) {
    let tiles = (rows + tile - 1) / tile
    pool.run(pieces) { piece in
      let own = scratch + piece * pieceBytes
      for t in (piece * tiles / pieces)..<((piece + 1) * tiles / pieces) {
        let first = t * tile
        let last = min(rows, first + tile)
        let source = x + first * features * elementBytes
        if let cast {
          cast.run(count: (last - first) * features, source, own)
          body(
            first..<last, UnsafePointer(own.assumingMemoryBound(to: Float.self)), own + castBytes)
        } else {
          body(first..<last, source.assumingMemoryBound(to: Float.self), own + castBytes)
        }
      }
    }
  }

  /// The numbers of rows and features; nil where the rank is unknown.
  ///
  /// Errors: `.shape` for a rank other than 1 and 2, or another number of features than `expected`.
  static func sizes(
    _ dims: [Dim]?, features expected: Int? = nil
  ) throws(EngineError) -> (rows: Dim, features: Dim)? {
    guard let dims else { return nil }
    guard dims.count == 1 || dims.count == 2 else {
      throw EngineError(
        .shape, "expected rows of features", expected: "[F] or [N, F]", received: "\(dims)")
    }
    let features = dims[dims.count - 1]
    if let expected, let n = features.known, n != expected {
      throw EngineError(
        .shape, "rows have another number of features than the model", expected: "\(expected)",
        received: "\(n)")
    }
    return (dims.count == 1 ? 1 : dims[0], features)
  }
}
