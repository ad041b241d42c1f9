/// Tells dates and times in text, so that they are refused by name instead of becoming categories.
enum DateText {
  private static let months: Set<String> = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// `2024-03-01`, `01.03.2024`, `3/1/24`, `2024-03-01T10:00:00Z`, `10:30`, `1 Mar 2024`,
  /// `Mar 1, 2024`.
  static func matches(_ text: String) -> Bool {
    let parts = text.split { c in c == " " || c == "T" || c == "," || c == "\t" }
    guard let first = parts.first, !parts.isEmpty, parts.count <= 5 else { return false }
    if isDay(first) || isTime(first) { return true }
    // With the month's name there are a day and a year beside it.
    let named = parts.contains { months.contains($0.prefix(3).lowercased()) && $0.count <= 9 }
    let numbers = parts.filter { p in p.allSatisfy(\.isNumber) && (1...4).contains(p.count) }
    if parts.count >= 3, named, numbers.count >= 2 { return true }
    let pieces = first.split(separator: "-")
    return pieces.count == 3 && pieces.contains { months.contains($0.lowercased()) }
  }

  private static func isDay(_ text: Substring) -> Bool {
    for separator in ["-", "/", "."] as [Character] {
      let parts = text.split(separator: separator, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let sizes = parts.map(\.count)
      guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }) else { continue }
      if sizes[0] == 4, sizes[1] <= 2, sizes[2] <= 2 { return true }
      if sizes[0] <= 2, sizes[1] <= 2, sizes[2] == 4 || sizes[2] == 2 { return true }
    }
    return false
  }

  private static func isTime(_ text: Substring) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { return false }
    return parts.prefix(2).allSatisfy { $0.count == 2 && $0.allSatisfy(\.isNumber) }
  }
}
