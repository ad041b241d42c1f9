import CKernels

/// Greedy suppression of boxes that overlap a better one: the best box stays, those that it covers
/// go, and so on with the best of the rest.
///
/// Boxes that stay lie in bins by where they begin along x, in groups of 16, so that one is held
/// only against those that may reach it: detectors that shift each class to a place of its own would
/// otherwise compare all with all.
public struct BoxSuppression: Sendable {
  /// Low x, low y, high x and high y of each box.
  private let corners: [Float]
  public let count: Int
  private let isa: InstructionSet

  /// - `boxes`: `count` of four numbers: y, x, y, x of opposite corners, or x, y, width and height
  ///   of the centre with `isCentered`.
  public init(
    _ boxes: UnsafePointer<Float>, count: Int, isCentered: Bool,
    isa: InstructionSet = .current
  ) {
    self.count = count
    self.isa = isa
    corners = [Float](unsafeUninitializedCapacity: 4 * count) { to, filled in
      for i in 0..<count {
        let (a, b, c, d) = (boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3])
        let places =
          isCentered
          ? (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
          : (min(b, d), min(a, c), max(b, d), max(a, c))
        (to[4 * i], to[4 * i + 1], to[4 * i + 2], to[4 * i + 3]) = places
      }
      filled = 4 * count
    }
  }

  /// The boxes that stay, the best first; of equal scores the first box comes first. A NaN score is
  /// the lowest.
  ///
  /// - `scores`: `count`; those that are not greater than `least` do not count.
  /// - `overlap`: a box goes when its intersection over union with one that stays is greater.
  public func kept(
    scores: UnsafePointer<Float>, least: Float?, overlap: Float, most: Int
  ) -> [Int32] {
    let order = ranking(scores, least)
    let most = min(most, order.count)
    guard most > 0 else { return [] }
    // Nothing overlaps by less.
    if overlap < 0 { return [order[0]] }
    var sorted = [Float](repeating: 0, count: 4 * order.count)
    for (k, i) in order.enumerated() {
      for c in 0..<4 { sorted[4 * k + c] = corners[4 * Int(i) + c] }
    }
    let (origin, inverse, bins) = Self.bins(sorted)
    let room = order.count / Int(DL_BOX_GROUP) + bins
    var kept = [Int32](repeating: 0, count: most)
    let found = withUnsafeTemporaryAllocation(of: dl_box_group.self, capacity: room) { groups in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: room) { next in
        withUnsafeTemporaryAllocation(of: dl_box_bin.self, capacity: bins) { bin in
          var b = dl_box_bins(
            origin: origin, inverse_width: inverse, bins: Int32(bins), bin: bin.baseAddress,
            groups: groups.baseAddress, next: next.baseAddress)
          let suppress =
            isa >= .avx512
            ? dl_suppress_boxes__avx512
            : isa >= .avx2 ? dl_suppress_boxes__avx2 : dl_suppress_boxes__scalar
          return suppress(sorted, Int64(order.count), Int64(most), overlap, &b, &kept)
        }
      }
    }
    return kept.prefix(Int(found)).map { order[Int($0)] }
  }

  /// Bins along x: about as wide as two boxes, 256 at most.
  private static func bins(_ boxes: [Float]) -> (origin: Float, inverse: Float, count: Int) {
    var (low, high) = (Float.infinity, -Float.infinity)
    var widths = 0.0
    var counted = 0
    for i in stride(from: 0, to: boxes.count, by: 4) {
      let width = boxes[i + 2] - boxes[i]
      guard width > 0, width.isFinite else { continue }
      low = min(low, boxes[i])
      high = max(high, boxes[i])
      widths += Double(width)
      counted += 1
    }
    let span = Double(high) - Double(low)
    guard counted > 0, span > 0, span.isFinite else { return (0, 0, 1) }
    let count = max(1, min(256, Int(span / (2 * widths / Double(counted)))))
    let inverse = Float(Double(count) / span)
    return inverse.isFinite ? (low, inverse, count) : (0, 0, 1)
  }

  /// The boxes whose scores are greater than `least`, by falling score.
  private func ranking(_ scores: UnsafePointer<Float>, _ least: Float?) -> [Int32] {
    // Keys that rise where scores fall, above the box's place.
    var keys: [UInt64] = []
    keys.reserveCapacity(count)
    for i in 0..<count {
      let score = scores[i]
      if let least, !(score > least) { continue }
      // Zeros of both signs are equal.
      let bits = score.isNaN ? (-Float.infinity).bitPattern : (score + 0).bitPattern
      let rising = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
      keys.append(UInt64(~rising) << 32 | UInt64(UInt32(truncatingIfNeeded: i)))
    }
    if keys.count < 256 {
      keys.sort()
    } else {
      var other = [UInt64](repeating: 0, count: keys.count)
      for shift in [UInt64(32), 43, 54] {
        Self.sort(keys, into: &other, by: shift)
        swap(&keys, &other)
      }
    }
    return keys.map { Int32(truncatingIfNeeded: UInt32(truncatingIfNeeded: $0)) }
  }

  /// Sorts by the 11 bits from `shift` on and leaves equal ones in order.
  private static func sort(_ keys: [UInt64], into sorted: inout [UInt64], by shift: UInt64) {
    let mask: UInt64 = 2047
    var starts = [Int](repeating: 0, count: 2049)
    for key in keys { starts[Int(key >> shift & mask) + 1] += 1 }
    for d in 1...2048 { starts[d] += starts[d - 1] }
    for key in keys {
      let digit = Int(key >> shift & mask)
      sorted[starts[digit]] = key
      starts[digit] += 1
    }
  }
}
