import CKernels

/// The `k` best of rows of float32.
///
/// Each element kept is a key of 64 bits, larger where it is better: the float's bits, turned so that
/// they compare as numbers do, above the index, turned so that lower ones win. Up to 32 keys are kept
/// in order, more in a heap whose root is the worst. Most elements are only compared with that one, 16
/// at once.
struct TopKRows {
  let n: Int
  let k: Int
  let isLargest: Bool

  /// - `x`: `n` elements; `values`, `indices`: `k`, which hold the keys meanwhile.
  func select(
    _ x: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>,
    _ indices: UnsafeMutablePointer<Int64>
  ) {
    indices.withMemoryRebound(to: UInt64.self, capacity: k) { keys in
      k <= 32 ? inOrder(x, keys) : inHeap(x, keys)
    }
    for i in 0..<k {
      let index = Int(~UInt32(truncatingIfNeeded: indices[i]))
      indices[i] = Int64(index)
      values[i] = x[index]
    }
  }

  func key(_ v: Float, _ index: Int) -> UInt64 {
    // Zeros of both signs are equal.
    let bits = v.isNaN ? UInt32.max >> 1 : (v + 0).bitPattern
    let ordered = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
    return UInt64(isLargest ? ordered : ~ordered) << 32
      | UInt64(~UInt32(truncatingIfNeeded: index))
  }

  private func next(_ x: UnsafePointer<Float>, _ i: Int, _ worst: UInt64) -> Int {
    Self.scan(x, i, n, x[Int(~UInt32(truncatingIfNeeded: worst))], isLargest ? 1 : 0)
  }

  /// The best first.
  private func inOrder(_ x: UnsafePointer<Float>, _ keys: UnsafeMutablePointer<UInt64>) {
    func insert(_ key: UInt64, _ end: Int) {
      var at = end
      while at > 0, keys[at - 1] < key {
        keys[at] = keys[at - 1]
        at -= 1
      }
      keys[at] = key
    }
    for i in 0..<k { insert(key(x[i], i), i) }
    var i = next(x, k, keys[k - 1])
    while i < n {
      let found = key(x[i], i)
      if found > keys[k - 1] { insert(found, k - 1) }
      i = next(x, i + 1, keys[k - 1])
    }
  }

  private func inHeap(_ x: UnsafePointer<Float>, _ keys: UnsafeMutablePointer<UInt64>) {
    func sink(_ item: UInt64, _ start: Int, _ count: Int) {
      var at = start
      while true {
        var child = 2 * at + 1
        if child >= count { break }
        if child + 1 < count, keys[child + 1] < keys[child] { child += 1 }
        if keys[child] >= item { break }
        keys[at] = keys[child]
        at = child
      }
      keys[at] = item
    }
    for i in 0..<k { keys[i] = key(x[i], i) }
    for i in stride(from: k / 2 - 1, through: 0, by: -1) { sink(keys[i], i, k) }
    var i = next(x, k, keys[0])
    while i < n {
      let found = key(x[i], i)
      if found > keys[0] { sink(found, 0, k) }
      i = next(x, i + 1, keys[0])
    }
    for last in stride(from: k - 1, to: 0, by: -1) {
      let worst = keys[0]
      sink(keys[last], 0, last)
      keys[last] = worst
    }
  }

  // A C function as such: one that Swift takes for a closure is wrapped anew, on the heap.
  private typealias Scan = @convention(c) (UnsafePointer<Float>?, Int, Int, Float, Int32) -> Int
  private static let scan: Scan =
    switch LaneSet.best {
    case .avx512: dl_next_beyond_f32__avx512
    case .avx2: dl_next_beyond_f32__avx2
    default: dl_next_beyond_f32__scalar
    }
}
