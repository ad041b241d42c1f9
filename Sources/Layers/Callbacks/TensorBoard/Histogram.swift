/// How often numbers fall between limits, as TensorBoard draws it.
///
/// Limits are thirty steps of one width from the least to the greatest number; a number on a limit
/// counts below it. Numbers that are not finite are left out.
struct Histogram {
  private(set) var least = 0.0
  private(set) var greatest = 0.0
  private(set) var count = 0.0
  private(set) var sum = 0.0
  private(set) var sumOfSquares = 0.0
  /// Upper limits, rising, and what lies below each and above the one before.
  private(set) var limits: [Double] = []
  private(set) var buckets: [Double] = []
  static let steps = 30

  init(_ numbers: [Double]) {
    let finite = numbers.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return }
    (least, greatest, count) = (low, high, Double(finite.count))
    for x in finite {
      sum += x
      sumOfSquares += x * x
    }
    let width = (high - low) / Double(Self.steps)
    guard width > 0, width.isFinite else {
      (limits, buckets) = ([high], [count])
      return
    }
    limits = (1...Self.steps).map { $0 == Self.steps ? high : low + width * Double($0) }
    buckets = [Double](repeating: 0, count: Self.steps)
    for x in finite {
      let place = Int(((x - low) / width).rounded(.up)) - 1
      buckets[min(max(place, 0), Self.steps - 1)] += 1
    }
  }

  var message: [UInt8] {
    var m = EventMessage.Message()
    m.double(1, least)
    m.double(2, greatest)
    m.double(3, count)
    m.double(4, sum)
    m.double(5, sumOfSquares)
    // TensorBoard wants the first bucket to begin below the least number.
    m.doubles(6, [least] + limits)
    m.doubles(7, [0] + buckets)
    return m.bytes
  }
}
