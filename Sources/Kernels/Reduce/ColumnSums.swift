import CKernels
import Tensors

/// Sums of the columns of a row-major matrix of float32, in float64 and in the order of the rows.
/// Columns are spread over threads.
public struct ColumnSums: Sendable {
  let rows: Int
  let columns: Int

  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  private typealias Sums =
    @convention(c) (UnsafePointer<Float>?, Int, Int, Int, UnsafeMutablePointer<Float>?) -> Void
  private static let kernels: [Sums] = [
    dl_column_sums_f32__scalar, dl_column_sums_f32__avx2, dl_column_sums_f32__avx512,
  ]

  public func run(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, pool: ThreadPool,
    lanes: LaneSet = .best
  ) {
    let kernel = ColumnSums.kernels[Int(lanes.rawValue)]
    // Whole vectors of columns, as many as make a piece worth handing over.
    let width = max(16, (65_536 / max(rows, 1) + 15) / 16 * 16)
    pool.run((columns + width - 1) / width) { piece in
      let first = piece * width
      kernel(x + first, rows, columns, min(width, columns - first), y + first)
    }
  }
}
