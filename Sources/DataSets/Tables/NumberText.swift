/// Cells that a person reads as a number and a table does not: `12,5`, `$1,200.00`, `7 %`.
package enum NumberText {
  private static let signs = Set("$\u{20AC}\u{A3}\u{A5}% \u{A0}\u{202F}',_")

  /// Whether a cell is a number but for signs of currencies, percents and groups, or a comma in place of
  /// the point.
  package static func isDressed(_ cell: String) -> Bool {
    guard cell.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return false }
    let bare = cell.filter { !signs.contains($0) }
    return bare.utf8.count < cell.utf8.count && Double(bare) != nil
  }

  /// Such a cell of a column in which nearly all are numbers when they are read so; nil in others.
  package static func example(_ column: TableColumn) -> String? {
    guard column.kind == .texts else { return nil }
    var (dressed, other, first): (Int, Int, String?) = (0, 0, nil)
    for (cell, count) in column.counts {
      if isDressed(cell) {
        dressed += count
        first = first ?? cell
      } else if Double(cell) == nil {
        other += count
      }
    }
    return other * 20 <= dressed ? first : nil
  }
}
