import Tensors

/// The sizes of a dataset or an attribute.
struct HDF5Dataspace {
  /// Empty for a scalar.
  let dims: [Int]
  /// Whether there are no elements at all: a null dataspace.
  let isNull: Bool

  /// Errors: `.malformed`; `.budget` for more elements than an `Int` counts.
  init(_ cursor: inout HDF5Cursor) throws(EngineError) {
    let start = cursor.at
    let version = try cursor.byte()
    let rank = try cursor.byte()
    let flags = try cursor.byte()
    guard version == 1 || version == 2, rank <= 32 else {
      throw HDF5File.malformed("a dataspace of version \(version) and rank \(rank)", start)
    }
    let type = try cursor.byte()
    if version == 1 { try cursor.skip(4) }
    isNull = version == 2 && type == 2
    var sizes: [Int] = []
    for _ in 0..<rank { sizes.append(try cursor.length()) }
    if flags & 1 != 0 { try cursor.skip(rank * cursor.widths.length) }
    if version == 1, flags & 2 != 0 { try cursor.skip(rank * cursor.widths.length) }
    dims = sizes
  }

  /// The number of elements.
  ///
  /// Errors: `.budget` where it does not fit an `Int`.
  func count() throws(EngineError) -> Int {
    if isNull { return 0 }
    var product = 1
    for n in dims {
      let (next, overflow) = product.multipliedReportingOverflow(by: n)
      guard !overflow else {
        throw EngineError(.budget, "HDF5: a shape has too many elements", received: "\(dims)")
      }
      product = next
    }
    return product
  }
}
