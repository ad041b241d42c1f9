/// Numbers settled when a kernel is prepared, read in runs without retain counts or bounds checks.
public final class Table: @unchecked Sendable {
  public let at: UnsafeMutablePointer<Int>
  public let count: Int

  public init(_ values: [Int]) {
    count = values.count
    at = .allocate(capacity: max(1, values.count))
    at.initialize(from: values, count: values.count)
  }

  /// Offsets of all index tuples over `sizes`, row-major, an index along axis `i` counting
  /// `strides[i]` elements.
  public convenience init(sizes: [Int], strides: [Int]) {
    var offsets = [0]
    for (n, step) in zip(sizes, strides) {
      var next: [Int] = []
      next.reserveCapacity(offsets.count * n)
      for base in offsets { for i in 0..<n { next.append(base + i * step) } }
      offsets = next
    }
    self.init(offsets)
  }

  /// `i` must lie in `0..<count`.
  @inlinable public subscript(i: Int) -> Int { @inline(__always) get { at[i] } }

  deinit { at.deallocate() }
}
