/// A set of code points: ranges that rise and do not touch.
struct ScalarSet: Sendable, Equatable {
  private(set) var ranges: [ClosedRange<UInt32>] = []
  /// Which of the first 64 and the next 64 code points belong to it.
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  static let last: UInt32 = 0x10FFFF
  static let all = ScalarSet([0...last])
  static let digit = ScalarSet([0x30...0x39])
  static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let space = ScalarSet([0x09...0x0A, 0x0C...0x0D, 0x20...0x20])
  static let newline = ScalarSet([0x0A...0x0A])

  /// The union of `list`, whose ranges may overlap and stand in any order.
  init(_ list: [ClosedRange<UInt32>]) {
    for r in list.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let before = ranges.last, r.lowerBound <= before.upperBound &+ 1 {
        let end = max(before.upperBound, r.upperBound)
        ranges[ranges.count - 1] = before.lowerBound...end
      } else {
        ranges.append(r)
      }
    }
    for r in ranges where r.lowerBound < 128 {
      for v in r.lowerBound...min(r.upperBound, 127) {
        if v < 64 { low |= 1 << UInt64(v) } else { high |= 1 << UInt64(v - 64) }
      }
    }
  }

  init(_ one: UInt32) { self.init([one...one]) }

  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return low >> UInt64(scalar) & 1 == 1 }
    if scalar < 128 { return high >> UInt64(scalar - 64) & 1 == 1 }
    var (from, to) = (0, ranges.count)
    while from < to {
      let middle = (from + to) / 2
      if ranges[middle].upperBound < scalar { from = middle + 1 } else { to = middle }
    }
    return from < ranges.count && ranges[from].lowerBound <= scalar
  }

  /// All other code points.
  var inverted: ScalarSet {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for r in ranges {
      if r.lowerBound > next { gaps.append(next...r.lowerBound - 1) }
      next = r.upperBound + 1
    }
    if next <= ScalarSet.last { gaps.append(next...ScalarSet.last) }
    return ScalarSet(gaps)
  }

  /// With all that differ from a member by case alone, by Unicode's simple folding.
  var folded: ScalarSet {
    var list = ranges
    func add(_ v: UInt32) { list.append(v...v) }
    let pairs = UnicodeFolds.pairs
    for row in stride(from: 0, to: pairs.count, by: 4) {
      for i in 0..<pairs[row + 1] {
        let one = pairs[row] + i * pairs[row + 2]
        let other = one + pairs[row + 3]
        if contains(one) { add(other) } else if contains(other) { add(one) }
      }
    }
    let groups = UnicodeFolds.groups
    var at = 0
    while at < groups.count {
      let members = groups[at + 1...at + Int(groups[at])]
      if members.contains(where: { contains($0) }) { members.forEach(add) }
      at += 1 + members.count
    }
    return ScalarSet(list)
  }
}

extension ScalarSet {
  /// A general category such as `Lu`, all those of a letter such as `L`, a script, or `Any`.
  init?(unicodeClass name: String) {
    if name == "Any" {
      self = .all
      return
    }
    if let text = UnicodeCategories.ranges[name] ?? UnicodeScripts.ranges[name] {
      self.init(ScalarSet.decode(text))
      return
    }
    let parts = UnicodeCategories.ranges.filter { name.utf8.count == 1 && $0.key.hasPrefix(name) }
    if parts.isEmpty { return nil }
    self.init(parts.values.flatMap { ScalarSet.decode($0) })
  }

  /// A class of POSIX, ASCII alone.
  init?(posixClass name: String) {
    let list: [ClosedRange<UInt32>]? =
      switch name {
      case "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A]
      case "alpha": [0x41...0x5A, 0x61...0x7A]
      case "ascii": [0...0x7F]
      case "blank": [0x09...0x09, 0x20...0x20]
      case "cntrl": [0...0x1F, 0x7F...0x7F]
      case "digit": [0x30...0x39]
      case "graph": [0x21...0x7E]
      case "lower": [0x61...0x7A]
      case "print": [0x20...0x7E]
      case "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
      case "space": [0x09...0x0D, 0x20...0x20]
      case "upper": [0x41...0x5A]
      case "word": [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
      case "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66]
      default: nil
      }
    guard let list else { return nil }
    self.init(list)
  }

  /// The tables' text; see `UnicodeCategories`.
  private static func decode(_ text: String) -> [ClosedRange<UInt32>] {
    var list: [ClosedRange<UInt32>] = []
    var at: UInt32 = 0
    var start: UInt32?
    for word in text.split(separator: " ") {
      at += UInt32(word, radix: 36) ?? 0
      if let low = start {
        list.append(low...at)
        start = nil
      } else {
        start = at
      }
    }
    return list
  }
}
