/// The whole numbers below a count in random order, drawn from the front on and only as far as they
/// are asked for: so a long epoch begins at once, and another thread can go on drawing.
///
/// - Fisher and Yates' shuffle; place `i` depends on the generator's state at the beginning and on
///   `i` alone, not on the steps it is drawn in.
package struct RandomPermutation: Sendable {
  private let stream: RandomStream
  private var list: [Int]
  private var drawn = 0

  /// Takes one call of the calling thread's random numbers.
  package init(_ count: Int) {
    stream = RandomStream.next()
    list = Array(0..<max(count, 0))
  }

  /// Lends the order, of which the first `end` places are drawn.
  package mutating func withDrawn<R, E: Error>(
    _ end: Int, _ body: (UnsafeBufferPointer<Int>) throws(E) -> R
  ) throws(E) -> R {
    draw(min(end, list.count))
    return try list.withUnsafeBufferPointer(body)
  }

  /// All of them.
  package mutating func all() -> [Int] {
    draw(list.count)
    return list
  }

  private mutating func draw(_ end: Int) {
    guard drawn < end else { return }
    let (stream, count, start) = (stream, list.count, drawn)
    list.withUnsafeMutableBufferPointer { list in
      var i = start
      func place(_ high: UInt32, _ low: UInt32) {
        let word = UInt64(high) << 32 | UInt64(low)
        let left = UInt64(truncatingIfNeeded: count - i)
        list.swapAt(i, i + Int(word.multipliedFullWidth(by: left).high))
        i += 1
      }
      func place(_ word: UInt32) {
        guard i < end else { return }
        let left = UInt64(truncatingIfNeeded: count - i)
        list.swapAt(i, i + Int((UInt64(word) &* left) >> 32))
        i += 1
      }
      // Of so few, 32 bits favour none by more than 2^-16 of its share: a block has four places.
      while i < end, count <= 1 << 16 {
        let (a, b, c, d) = stream.words(i >> 2)
        let from = i & 3
        if from < 1 { place(a) }
        if from < 2 { place(b) }
        if from < 3 { place(c) }
        place(d)
      }
      while i < end {
        // One block of the generator has words for two places.
        let (a, b, c, d) = stream.words(i >> 1)
        if i & 1 == 0 { place(a, b) }
        if i & 1 == 1, i < end { place(c, d) }
      }
    }
    drawn = end
  }
}

/// The whole numbers below `n` in random order, those of `Tensor.permutation`.
public func randomPermutation(_ n: Int) -> [Int] {
  var permutation = RandomPermutation(n)
  return permutation.all()
}
