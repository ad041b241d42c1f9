/// Figures by name, in the order they were added.
public struct Logs: Sendable, Sequence {
  /// All figures.
  public private(set) var entries: [(name: String, value: Double)] = []

  public init() {}

  public subscript(name: String) -> Double? {
    get { entries.first { $0.name == name }?.value }
    set {
      let i = entries.firstIndex { $0.name == name }
      switch (i, newValue) {
      case (let i?, let value?): entries[i].value = value
      case (let i?, nil): entries.remove(at: i)
      case (nil, let value?): entries.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// The names of all figures.
  public var names: [String] { entries.map(\.name) }
  /// The figures in order.
  public func makeIterator() -> IndexingIterator<[(name: String, value: Double)]> {
    entries.makeIterator()
  }
}

extension Logs: CustomStringConvertible {
  public var description: String {
    entries.map { "\($0.name): \(short($0.value))" }.joined(separator: ", ")
  }
}

/// A figure with four digits behind the point, or in powers of ten where that shows nothing.
func short(_ x: Double) -> String {
  guard x.isFinite else { return "\(x)" }
  if x != 0, abs(x) < 1e-3 || abs(x) >= 1e7 {
    var (m, e) = (x, 0)
    while abs(m) >= 10 {
      m /= 10
      e += 1
    }
    while abs(m) < 1 {
      m *= 10
      e -= 1
    }
    return "\((m * 1000).rounded() / 1000)e\(e)"
  }
  return "\((x * 1e4).rounded() / 1e4)"
}
