import Tensors

/// Names and patterns of layers, checked against those there are.
struct LayerNames {
  private let patterns: [String]

  /// Errors: `.usage` for a name or pattern that no layer has, listing near ones.
  init(_ patterns: [String], of layers: [Layer]) throws(EngineError) {
    self.patterns = patterns
    let names = layers.map(\.name)
    for pattern in patterns where !names.contains(where: { Self.matches($0, pattern) }) {
      let near = Self.nearest(names, to: pattern)
      throw EngineError(
        .usage, "no layer that can be quantised is called '\(pattern)'",
        expected: near.map { "'\($0)'" }.joined(separator: ", ")
          + (names.count > near.count ? " or another of \(names.count) layers" : ""),
        hint: "'*' stands for any text")
    }
  }

  func contains(_ name: String) -> Bool { patterns.contains { Self.matches(name, $0) } }

  /// Whether a name is a pattern's, in which `*` stands for any text.
  static func matches(_ name: String, _ pattern: String) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 1, let start = parts.first, let end = parts.last else {
      return name == pattern
    }
    guard name.hasPrefix(start), name.hasSuffix(end), name.count >= start.count + end.count else {
      return false
    }
    var rest = Substring(name).dropFirst(start.count).dropLast(end.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let at = find(part, in: rest) else { return false }
      rest = rest[at...].dropFirst(part.count)
    }
    return true
  }

  private static func find(_ part: String, in text: Substring) -> Substring.Index? {
    var at = text.startIndex
    while at < text.endIndex {
      if text[at...].hasPrefix(part) { return at }
      at = text.index(after: at)
    }
    return nil
  }

  /// At most three names: those that contain the text, then those with the fewest edits.
  static func nearest(_ names: [String], to text: String) -> [String] {
    let plain = text.filter { $0 != "*" }
    let ranked = names.map { name in
      (name, !plain.isEmpty && find(plain, in: Substring(name)) != nil ? 0 : distance(name, plain))
    }
    return Array(
      ranked.enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }
        .prefix(3).map(\.element.0))
  }

  /// Single letters put in, left out or changed that make one text of the other.
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let change = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(change, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
