import Kernels
import Testing

/// Strided copies against the loop that defines them.
@Suite struct StridedCopyTests {
  /// Copies element by element.
  private func slow(
    _ sizes: [Int], _ from: [Int], _ to: [Int], _ bytes: Int, _ x: [UInt8], _ y: inout [UInt8],
    _ fromStart: Int, _ toStart: Int
  ) {
    let count = sizes.reduce(1, *)
    for i in 0..<count {
      var rest = i
      var (a, b) = (fromStart, toStart)
      for axis in sizes.indices.reversed() {
        a += rest % sizes[axis] * from[axis]
        b += rest % sizes[axis] * to[axis]
        rest /= sizes[axis]
      }
      for k in 0..<bytes { y[b * bytes + k] = x[a * bytes + k] }
    }
  }

  private func check(
    _ sizes: [Int], _ from: [Int], _ to: [Int], bytes: Int, fromStart: Int = 0, toStart: Int = 0,
    fromCount: Int, toCount: Int, pool: ThreadPool = .single
  ) {
    var random = SystemRandomNumberGenerator()
    let x = (0..<fromCount * bytes).map { _ in UInt8.random(in: 0...255, using: &random) }
    var want = [UInt8](repeating: 0xA5, count: toCount * bytes)
    let before = want
    slow(sizes, from, to, bytes, x, &want, fromStart, toStart)
    for lanes in LaneSet.available {
      var got = before
      let copy = StridedCopy(
        sizes: sizes, sourceStrides: from, targetStrides: to, elementBytes: bytes,
        sourceOffset: fromStart, targetOffset: toStart, sourceCount: fromCount,
        targetCount: toCount, isa: lanes)
      x.withUnsafeBytes { x in
        got.withUnsafeMutableBytes { y in
          guard let from = x.baseAddress, let to = y.baseAddress else { return }
          copy.run(to: to, from: from, pool: pool)
        }
      }
      #expect(got == want, "\(lanes): sizes \(sizes), strides \(from) to \(to), \(bytes) bytes")
    }
  }

  @Test(arguments: [1, 2, 4, 8, 16]) func permutesAxes(_ bytes: Int) {
    let shapes = [
      [3, 5], [17, 33], [8, 8], [2, 9, 16], [4, 1, 3, 5], [1, 31, 7], [16, 24], [70, 37],
    ]
    for shape in shapes {
      for order in permutations(Array(shape.indices)) {
        let strides = StridedCopy.rowMajor(shape)
        let sizes = order.map { shape[$0] }
        let count = shape.reduce(1, *)
        check(
          sizes, order.map { strides[$0] }, StridedCopy.rowMajor(sizes), bytes: bytes,
          fromCount: count, toCount: count)
      }
    }
  }

  @Test(arguments: [1, 4, 8]) func reversesRepeatsAndSkips(_ bytes: Int) {
    check([5, 7], [7, -1], [7, 1], bytes: bytes, fromStart: 6, fromCount: 35, toCount: 35)
    check([5, 7], [-7, 1], [7, 1], bytes: bytes, fromStart: 28, fromCount: 35, toCount: 35)
    check([4, 3, 5], [0, 1, 0], [15, 5, 1], bytes: bytes, fromCount: 3, toCount: 60)
    check([3, 4], [8, 2], [6, 1], bytes: bytes, toStart: 1, fromCount: 24, toCount: 18)
    check([], [], [], bytes: bytes, fromCount: 1, toCount: 1)
    check([0, 3], [3, 1], [3, 1], bytes: bytes, fromCount: 0, toCount: 0)
  }

  @Test func threadsShareTheWork() {
    let pool = ThreadPool(threads: 3)
    check([300, 200], [1, 300], [200, 1], bytes: 4, fromCount: 60000, toCount: 60000, pool: pool)
    check([200_001], [1], [1], bytes: 1, fromCount: 200_001, toCount: 200_001, pool: pool)
    check(
      [2, 3, 40_000], [120_000, 40_000, 1], [40_000, 80_000, 1], bytes: 1, fromCount: 240_000,
      toCount: 240_000, pool: pool)
  }

  private func permutations(_ list: [Int]) -> [[Int]] {
    if list.count <= 1 { return [list] }
    return list.indices.flatMap { i -> [[Int]] in
      var rest = list
      let first = rest.remove(at: i)
      return permutations(rest).map { [first] + $0 }
    }
  }
}
