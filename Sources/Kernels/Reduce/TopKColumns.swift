import CKernels

/// The `k` best, at most 32, along the first axis of `[n, inner]` of float32, 16 columns at once.
///
/// Rows are compared with the worst kept of each column; keys are those of `TopKRows`.
struct TopKColumns {
  let rows: TopKRows
  let inner: Int

  static let most = 32
  static let width = 16

  /// Columns `first..<first + width`. `values` and `indices`, `[k, inner]`, hold the keys meanwhile.
  func select(
    _ x: UnsafePointer<Float>, first: Int, width: Int, _ values: UnsafeMutablePointer<Float>,
    _ indices: UnsafeMutablePointer<Int64>
  ) {
    let (n, k) = (rows.n, rows.k)
    indices.withMemoryRebound(to: UInt64.self, capacity: (k - 1) * inner + first + width) { keys in
      for i in 0..<k {
        for j in first..<first + width {
          insert(rows.key(x[i * inner + j], i), keys + j, end: i)
        }
      }
      withUnsafeTemporaryAllocation(of: Float.self, capacity: TopKColumns.width) { worst in
        guard let limits = worst.baseAddress else { return }
        for j in 0..<width { limits[j] = worstKept(x, keys, first + j) }
        var which: UInt32 = 0
        let largest: Int32 = rows.isLargest ? 1 : 0
        var i = Self.scan(x + first, k, n, inner, width, limits, largest, &which)
        while i < n {
          while which != 0 {
            let lane = which.trailingZeroBitCount
            which &= which - 1
            let column = first + lane
            let found = rows.key(x[i * inner + column], i)
            if found > keys[(k - 1) * inner + column] {
              insert(found, keys + column, end: k - 1)
              limits[lane] = worstKept(x, keys, column)
            }
          }
          i = Self.scan(x + first, i + 1, n, inner, width, limits, largest, &which)
        }
      }
    }
    for i in 0..<k {
      for at in i * inner + first..<i * inner + first + width {
        let index = Int(~UInt32(truncatingIfNeeded: indices[at]))
        indices[at] = Int64(index)
        values[at] = x[index * inner + at - i * inner]
      }
    }
  }

  private func worstKept(
    _ x: UnsafePointer<Float>, _ keys: UnsafeMutablePointer<UInt64>, _ column: Int
  ) -> Float {
    let index = Int(~UInt32(truncatingIfNeeded: keys[(rows.k - 1) * inner + column]))
    return x[index * inner + column]
  }

  private func insert(_ key: UInt64, _ keys: UnsafeMutablePointer<UInt64>, end: Int) {
    var at = end
    while at > 0, keys[(at - 1) * inner] < key {
      keys[at * inner] = keys[(at - 1) * inner]
      at -= 1
    }
    keys[at * inner] = key
  }

  // A C function as such, as in `TopKRows`.
  private typealias Scan =
    @convention(c) (
      UnsafePointer<Float>?, Int, Int, Int, Int, UnsafePointer<Float>?, Int32,
      UnsafeMutablePointer<UInt32>?
    ) -> Int
  private static let scan: Scan =
    switch LaneSet.best {
    case .avx512: dl_next_row_beyond_f32__avx512
    case .avx2: dl_next_row_beyond_f32__avx2
    default: dl_next_row_beyond_f32__scalar
    }
}
