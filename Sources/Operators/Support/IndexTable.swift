/// A table of offsets made in `prepare` and read in `run` without retain counts or bounds checks.
final class IndexTable: @unchecked Sendable {
  let at: UnsafeMutablePointer<Int>
  let count: Int

  init(_ values: [Int]) {
    count = values.count
    at = .allocate(capacity: max(1, values.count))
    at.initialize(from: values, count: values.count)
  }

  /// Offsets of all index tuples over `sizes`, row-major, an index along axis `i` counting
  /// `strides[i]` elements.
  convenience init(sizes: [Int], strides: [Int]) {
    var offsets = [0]
    for (n, step) in zip(sizes, strides) {
      var next: [Int] = []
      next.reserveCapacity(offsets.count * n)
      for base in offsets { for i in 0..<n { next.append(base + i * step) } }
      offsets = next
    }
    self.init(offsets)
  }

  @inline(__always) subscript(i: Int) -> Int { at[i] }

  deinit { at.deallocate() }
}
