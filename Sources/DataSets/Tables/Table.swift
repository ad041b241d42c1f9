import Formats
import Tensors

/// A delimited text file in memory, its columns' kinds found from all their cells.
///
/// Columns without a header are called `column_1` and so on.
public struct Table: Sendable {
  public let path: String
  public let columns: [TableColumn]
  public let rowCount: Int
  public let hasHeader: Bool

  /// - Errors: those of `CSVReader`; `.malformed` for a table without rows, or columns of one name.
  public init(contentsOf path: String, options: CSVOptions = CSVOptions()) throws(EngineError) {
    let reader = try CSVReader(path: path, options: options)
    hasHeader = reader.header != nil
    let names = reader.header ?? (1...max(reader.columnCount, 1)).map { "column_\($0)" }
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw EngineError(
        .malformed, "two columns are named '\(name)'", expected: "a name of its own for each",
        subject: .init(file: path))
    }
    let wanted = (0..<reader.columnCount).map { CSVColumn($0, .text) }
    var cells = [[String]](repeating: [], count: reader.columnCount)
    while let batch = try reader.nextBatch(rows: 8192, columns: wanted) {
      for (i, t) in batch.enumerated() { cells[i] += t.strings }
    }
    let rows = cells.first?.count ?? 0
    guard rows > 0 else {
      throw EngineError(
        .malformed, "the table has no rows below its header", subject: .init(file: path))
    }
    self.path = path
    rowCount = rows
    columns = names.indices.map { TableColumn(name: names[$0], index: $0, cells: cells[$0]) }
  }

  /// The column of a name.
  ///
  /// Errors: `.usage` that lists the names.
  public func column(_ name: String) throws(EngineError) -> TableColumn {
    if let found = columns.first(where: { $0.name == name }) { return found }
    let names = columns.prefix(20).map(\.name).joined(separator: ", ")
    throw EngineError(
      .usage, "there is no column '\(name)'",
      expected: names + (columns.count > 20 ? ", ..." : ""), subject: .init(file: path))
  }
}
