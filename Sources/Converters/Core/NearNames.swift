/// Names that a mistyped one may have meant, for messages.
struct NearNames {
  private let names: [String]

  init(_ names: some Sequence<String>) { self.names = names.filter { !$0.isEmpty } }

  /// Up to five names that differ least from `name`, the nearest first; how many more there are.
  func text(near name: String) -> String {
    guard !names.isEmpty else { return "a name; there is none" }
    // What shares no beginning is compared only among so many.
    let wanted = Array(name.utf8.prefix(256))
    let sorted = names.prefix(20_000).map {
      (Self.distance(wanted, Array($0.utf8.prefix(256))), $0)
    }
    .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    let shown = sorted.prefix(5).map { "'\($0.1)'" }.joined(separator: ", ")
    return names.count > 5 ? "\(shown) or one of \(names.count - 5) more" : shown
  }

  /// Insertions, removals and replacements that make `b` of `a` (Levenshtein 1966).
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var corner = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let next = min(row[j] + 1, row[j + 1] + 1, corner + (x == y ? 0 : 1))
        corner = row[j + 1]
        row[j + 1] = next
      }
    }
    return row[b.count]
  }
}
