import Tensors

/// What is done to finished elements of a product while they are in cache:
/// `y = f(y) + residual`.
public struct GemmPost: Sendable {
  let function: UnaryKernel?
  let add: BinaryKernel?
  /// Elements between rows of the residual.
  let row: Int
  let byteSize: Int

  /// - `function`: nil for none.
  /// - `residualRow`: elements between rows of the residual; nil where there is none.
  ///
  /// Nil where there is no sum for `dtype`.
  public init?(_ dtype: DType, function: UnaryKernel?, residualRow: Int?) {
    self.function = function
    add = residualRow == nil ? nil : BinaryKernel(.add, dtype)
    if residualRow != nil && add == nil { return nil }
    row = residualRow ?? 0
    byteSize = dtype.byteSize
  }

  /// Panels of a block that are finished before this runs over them: few enough to be in cache,
  /// enough for vectors to pay.
  static let panels = 8

  /// Rows and columns of `c`, whose rows are `distance` elements apart; `residual` lies likewise.
  func run(
    rows: Range<Int>, columns: Range<Int>, _ c: UnsafeMutableRawPointer, distance: Int,
    residual: UnsafeRawPointer?
  ) {
    for r in rows {
      let y = c + (r * distance + columns.lowerBound) * byteSize
      function?.run(count: columns.count, y, y)
      if let add, let residual {
        add.run(
          count: columns.count, y, residual + (r * row + columns.lowerBound) * byteSize, y)
      }
    }
  }
}
