/// Some numbers in order, each for as many as its weight says, from which quantiles are told.
///
/// - Source: Keras 3.15 `discretization.py`: `summarize` and `compress_summary`.
struct QuantileSummary {
  private(set) var values: [Double]
  private(set) var weights: [Double]

  init(_ numbers: [Double], epsilon: Double) {
    let sorted = numbers.sorted()
    let step = max(Double(sorted.count) * epsilon, 1)
    values = stride(from: Int(step - 1), to: sorted.count, by: max(Int(step), 1)).map { sorted[$0] }
    weights = [Double](repeating: step, count: values.count)
    compress(epsilon)
  }

  /// As few numbers as serve quantiles at all multiples of `epsilon`.
  private mutating func compress(_ epsilon: Double) {
    guard Double(values.count) * epsilon >= 1, let first = weights.first else { return }
    var sums = [first]
    for w in weights.dropFirst() { sums.append(sums[sums.count - 1] + w) }
    let total = sums[sums.count - 1]
    let shares = sums.map { $0 / total }
    let wanted = (0..<Int((1 / epsilon).rounded(.up))).map { epsilon + Double($0) * epsilon }
    let new = wanted.map { Self.interpolated($0, shares, sums) }
    values = wanted.map { Double(Float(Self.interpolated($0, shares, values))) }
    weights = zip(new, [0] + new).map { Double(Float($0 - $1)) }
  }

  /// Numbers that cut what was summarised into `bins` parts of about the same size.
  func boundaries(_ bins: Int) -> [Float] {
    var copy = self
    copy.compress(1 / Double(bins))
    return copy.values.dropLast().map { Float($0) }
  }

  /// The value at `x` of the lines through points of rising `xs`; beyond them that of the last.
  private static func interpolated(_ x: Double, _ xs: [Double], _ ys: [Double]) -> Double {
    guard let i = xs.firstIndex(where: { $0 >= x }) else { return ys[ys.count - 1] }
    guard i > 0, xs[i] > xs[i - 1] else { return ys[i] }
    return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1])
  }
}
