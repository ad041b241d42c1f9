import Tensors

/// How often a value had which elements, in memory that does not grow with their number.
///
/// Bins are as wide as a power of two and start at its multiples, so bins twice as wide are pairs of
/// them: the histogram widens without looking at any element again. Elements that are exactly zero
/// are counted apart, since every range holds them without error. Infinities and NaN are counted
/// apart and play no part.
public struct Histogram: Sendable {
  /// Bins there are at most.
  public static let maxBins = 4096

  /// The number of elements in each bin.
  public private(set) var counts: [Int] = []
  /// The number of the first bin: bin `i` of `counts` starts at `(first + i) * width`.
  public private(set) var first = 0
  /// 0 as long as there were only zeros.
  public private(set) var width = 0.0
  public private(set) var zeros = 0
  /// Elements that are infinite or no number.
  public private(set) var oddities = 0
  public private(set) var minimum = Float.infinity
  public private(set) var maximum = -Float.infinity

  public init() {}

  /// Finite elements seen.
  public var total: Int { zeros + counted }
  private var counted = 0

  /// The middle of bin `i`.
  public func center(_ i: Int) -> Double { (Double(first + i) + 0.5) * width }

  /// The least and the largest finite element of some; nil where there is none.
  static func extremes(_ x: UnsafeBufferPointer<Float>) -> (low: Float, high: Float)? {
    var low = Float.infinity
    var high = -Float.infinity
    for v in x where v.isFinite {
      low = min(low, v)
      high = max(high, v)
    }
    return low <= high ? (low, high) : nil
  }

  /// Counts the elements of a float32 tensor.
  ///
  /// - Returns: its least and largest finite element; nil where there is none.
  @discardableResult
  public mutating func add(_ tensor: Tensor) -> (low: Float, high: Float)? {
    guard tensor.dtype == .float32 else { return nil }
    // The closure of the collection's cannot change `self`.
    var copy = Histogram()
    swap(&copy, &self)
    let result = tensor.elements(Float.self).withContiguousStorageIfAvailable {
      copy.add(elements: $0)
    }
    swap(&copy, &self)
    return result.flatMap { $0 }
  }

  private mutating func add(elements x: UnsafeBufferPointer<Float>) -> (low: Float, high: Float)? {
    guard let (low, high) = Self.extremes(x) else {
      oddities += x.count
      return nil
    }
    minimum = min(minimum, low)
    maximum = max(maximum, high)
    makeRoom()
    guard width > 0 else {
      for v in x { if v.isFinite { zeros += 1 } else { oddities += 1 } }
      return (low, high)
    }
    let inverse = Float(1 / width)
    let base = first
    var nothing = 0
    var odd = 0
    counts.withUnsafeMutableBufferPointer { bins in
      for v in x {
        if v == 0 {
          nothing += 1
        } else if v.isFinite {
          // The width is a power of two, so the product is exact and the bin the right one.
          bins[min(max(Int((v * inverse).rounded(.down)) - base, 0), bins.count - 1)] += 1
        } else {
          odd += 1
        }
      }
    }
    zeros += nothing
    oddities += odd
    counted += x.count - nothing - odd
    return (low, high)
  }

  /// Widens bins and adds others until they hold everything from `minimum` to `maximum`.
  private mutating func makeRoom() {
    let low = Double(min(minimum, 0))
    let high = Double(max(maximum, 0))
    let reach = high - low
    guard reach > 0 else { return }
    if width == 0 {
      // Some 1024 to 2048 bins at first; float32 has no finer numbers than 2^-149.
      let exponent = max((reach / 1024).exponent, -126)
      width = Double(sign: .plus, exponent: exponent, significand: 1)
      first = 0
      counts = []
    }
    while (high / width).rounded(.down) - (low / width).rounded(.down) + 1 > Double(Self.maxBins) {
      merge()
    }
    let start = Int((low / width).rounded(.down))
    let end = Int((high / width).rounded(.down)) + 1
    if counts.isEmpty { first = start }
    if start < first {
      counts.insert(contentsOf: repeatElement(0, count: first - start), at: 0)
      first = start
    }
    if end > first + counts.count {
      counts.append(contentsOf: repeatElement(0, count: end - first - counts.count))
    }
  }

  private mutating func merge() {
    width *= 2
    guard !counts.isEmpty else { return }
    let start = first >> 1
    var merged = [Int](repeating: 0, count: (first + counts.count - 1) >> 1 - start + 1)
    for (i, n) in counts.enumerated() { merged[(first + i) >> 1 - start] += n }
    counts = merged
    first = start
  }
}
