import Formats
import Tensors

/// A column of a table with what its cells hold.
public struct TableColumn: Sendable {
  public enum Kind: String, Sendable {
    /// Every cell that is not missing is a number, or `true` or `false`.
    case numbers
    /// Text, or text and numbers.
    case texts
    /// Nine in ten cells that are not missing are dates or times.
    case dates
    /// Nothing but missing cells.
    case empty
  }

  public let name: String
  /// Its place in the file, from 0.
  public let index: Int
  public let kind: Kind
  /// The cells as they stand in the file, quotes removed.
  public let cells: [String]
  /// The cells as numbers, NaN where they are missing; empty unless `kind` is `.numbers`.
  public let numbers: [Double]
  /// How many cells are missing.
  public let missing: Int

  public init(name: String, index: Int, cells: [String]) {
    self.name = name
    self.index = index
    self.cells = cells
    var (values, gone, texts, dates): ([Double], Int, Int, Int) = ([], 0, 0, 0)
    values.reserveCapacity(cells.count)
    for cell in cells {
      switch CSVText(cell) {
      case .missing:
        gone += 1
        values.append(.nan)
      case .number(let v): values.append(v)
      case .text:
        texts += 1
        if DateText.matches(cell) { dates += 1 }
      }
    }
    missing = gone
    if gone == cells.count {
      kind = .empty
    } else if texts == 0 {
      kind = .numbers
    } else if dates * 10 >= (cells.count - gone) * 9 {
      kind = .dates
    } else {
      kind = .texts
    }
    numbers = kind == .numbers ? values : []
  }

  /// The different cells that are not missing, each with how often it occurs, the most frequent
  /// first and equal ones by their bytes.
  public var counts: [(cell: String, count: Int)] {
    var table: [String: Int] = [:]
    for cell in cells where CSVText(cell) != .missing { table[cell, default: 0] += 1 }
    return table.map { (cell: $0.key, count: $0.value) }.sorted {
      $0.count != $1.count ? $0.count > $1.count : $0.cell < $1.cell
    }
  }
}
