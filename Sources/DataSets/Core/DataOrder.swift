import Tensors

/// Orders of samples that depend on a seed alone, not on what else draws random numbers.
public enum DataOrder {
  /// SplitMix64 (Steele, Lea, Flood 2014).
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// The order of an epoch: a permutation of `0..<count` from the seed and the epoch's number.
  public static func permutation(_ count: Int, seed: UInt64, epoch: Int) -> [Int] {
    var mix = Generator(state: seed)
    var generator = Generator(state: mix.next() ^ UInt64(truncatingIfNeeded: epoch))
    var order = Array(0..<count)
    // Fisher and Yates, written out so that the order does not change with the standard library.
    var i = count - 1
    while i > 0 {
      let j = Int(generator.next().multipliedFullWidth(by: UInt64(i + 1)).high)
      order.swapAt(i, j)
      i -= 1
    }
    return order
  }

  /// Numbers for two parts, each in rising order, a share of them in the second.
  ///
  /// - `classes`: one number a sample; each class gives the nearest whole number to its share, and
  ///   one of two samples or more always stays in the first part.
  /// - Errors: `.value` for a share that leaves nothing on one side.
  public static func split(
    _ count: Int, _ share: Double, seed: UInt64, classes: [Int]? = nil
  ) throws(EngineError) -> ([Int], [Int]) {
    let order = permutation(count, seed: seed, epoch: -1)
    var second: [Int] = []
    if let classes, classes.count == count {
      var groups: [Int: [Int]] = [:]
      for i in order { groups[classes[i], default: []].append(i) }
      for key in groups.keys.sorted() {
        let members = groups[key] ?? []
        let taken = Int((Double(members.count) * share).rounded())
        second += members.prefix(min(taken, members.count - 1))
      }
    } else {
      second = Array(order.prefix(Int((Double(count) * share).rounded())))
    }
    guard share > 0, share < 1, !second.isEmpty, second.count < count else {
      throw EngineError(
        .value, "the share leaves nothing on one side",
        expected: "between 0 and 1, for \(count) samples", received: "\(share)")
    }
    let taken = Set(second)
    return ((0..<count).filter { !taken.contains($0) }, second.sorted())
  }
}
