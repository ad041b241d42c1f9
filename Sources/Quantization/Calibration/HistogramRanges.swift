import Glibc

extension Histogram {
  /// The range that keeps `percent` percent of the elements: half of the rest is cut off at either
  /// end, all of it at one where zero is the other.
  func percentileRange(_ percent: Double) -> ClosedRange<Float> {
    let rest = Double(total) * max(0, 1 - percent / 100)
    let tail = minimum >= 0 || maximum <= 0 ? rest : rest / 2
    let low = minimum >= 0 ? 0 : min(0, edge(tail, from: Array(counts.indices), isUpper: false))
    let high =
      maximum <= 0 ? 0 : max(0, edge(tail, from: counts.indices.reversed(), isUpper: true))
    return low...high
  }

  /// The outer edge of the bin in which more than `tail` elements have been passed.
  private func edge(_ tail: Double, from bins: [Int], isUpper: Bool) -> Float {
    var passed = 0
    for i in bins {
      let at = first + i
      passed += counts[i] + (at == 0 ? zeros : 0)
      if Double(passed) > tail {
        let limit = Float(Double(at + (isUpper ? 1 : 0)) * width)
        return isUpper ? min(limit, maximum) : max(limit, minimum)
      }
    }
    return 0
  }

  /// The range with the least expected squared error: elements within it are off by a twelfth of a
  /// step squared, others by their distance from it.
  ///
  /// Either end is tried at 100 places between zero and the extreme, in turns.
  func leastErrorRange(symmetric: Bool) -> ClosedRange<Float> {
    let cells = counts.indices.filter { counts[$0] > 0 }.map { (center($0), Double(counts[$0])) }
    guard !cells.isEmpty else { return min(minimum, 0)...max(maximum, 0) }
    func error(_ low: Double, _ high: Double) -> Double {
      let step = symmetric ? 2 * max(-low, high) / 254 : (high - low) / 255
      let noise = step * step / 12
      // What a symmetric range clips is beyond its larger end.
      let (from, to) = symmetric ? (-max(-low, high), max(-low, high)) : (low, high)
      var sum = 0.0
      for (x, n) in cells {
        let beyond = x < from ? from - x : x > to ? x - to : 0
        sum += n * (noise + beyond * beyond)
      }
      return sum
    }
    var low = Double(min(minimum, 0))
    var high = Double(max(maximum, 0))
    if symmetric {
      // Both ends move together.
      let reach = max(-low, high)
      let end = Self.best { error(-$0 * reach, $0 * reach) } * reach
      return Float(max(low, -end))...Float(min(high, end))
    }
    for _ in 0..<2 {
      let (from, to) = (low, high)
      if maximum > 0 { high = Self.best { error(from, $0 * Double(maximum)) } * Double(maximum) }
      let end = high
      if minimum < 0 { low = Self.best { error($0 * Double(minimum), end) } * Double(minimum) }
      if (low, high) == (from, to) { break }
    }
    return Float(low)...Float(high)
  }

  /// The hundredth from 1 down at which an error is least.
  private static func best(_ error: (Double) -> Double) -> Double {
    var best = (error: Double.infinity, place: 1.0)
    for k in stride(from: 100, through: 1, by: -1) {
      let e = error(Double(k) / 100)
      if e < best.error { best = (e, Double(k) / 100) }
    }
    return best.place
  }

  /// The range around zero, cut to what there is, within which 128 levels tell most of the
  /// distribution of magnitudes: the one of least Kullback-Leibler divergence.
  ///
  /// Exact zeros are left out, as every range keeps them. Bins are joined until each holds some 64
  /// elements, since the noise of smaller counts looks like divergence and would ask for a shorter
  /// range; where no more than 128 are left, everything stays.
  func entropyRange() -> ClosedRange<Float> {
    let levels = 128
    let reach = max(-first, first + counts.count)
    var magnitudes = [Double](repeating: 0, count: max(1, reach))
    for (i, n) in counts.enumerated() {
      let at = first + i
      magnitudes[at >= 0 ? at : -1 - at] += Double(n)
    }
    var step = width
    while Double(magnitudes.count) * 64 > Double(total - zeros), magnitudes.count > levels {
      magnitudes = stride(from: 0, to: magnitudes.count, by: 2).map {
        magnitudes[$0] + ($0 + 1 < magnitudes.count ? magnitudes[$0 + 1] : 0)
      }
      step *= 2
    }
    let all = magnitudes.count
    guard all > levels else { return min(minimum, 0)...max(maximum, 0) }
    var best = (divergence: divergence(magnitudes, all, levels), bins: all)
    for bins in stride(from: all - 1, through: levels, by: -max(1, (all - levels) / 256)) {
      let d = divergence(magnitudes, bins, levels)
      if d < best.divergence { best = (d, bins) }
    }
    let threshold = Float(Double(best.bins) * step)
    return max(min(minimum, 0), -threshold)...min(max(maximum, 0), threshold)
  }

  private func divergence(_ magnitudes: [Double], _ bins: Int, _ levels: Int) -> Double {
    var p = Array(magnitudes[..<bins])
    p[bins - 1] += magnitudes[bins...].reduce(0, +)
    let total = p.reduce(0, +)
    // What is cut off belongs to the last bin of P, and is not in what is quantised.
    let inside = magnitudes[..<bins].reduce(0, +)
    guard total > 0, inside > 0 else { return .infinity }
    var sum = 0.0
    for level in 0..<levels {
      let from = level * bins / levels
      let to = (level + 1) * bins / levels
      let cell = magnitudes[from..<to]
      let used = cell.count { $0 > 0 }
      guard used > 0 else { continue }
      let q = cell.reduce(0, +) / Double(used) / inside
      for k in from..<to where p[k] > 0 {
        // A bin that only what was cut off fills has a very small chance.
        let chance = magnitudes[k] > 0 ? q : 1e-9
        sum += p[k] / total * log(p[k] / total / chance)
      }
    }
    return sum
  }
}
