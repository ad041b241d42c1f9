import Converters
import Formats
import Tensors

/// What a converter can convert, as a table.
struct ConversionTable {
  private let rows: [SourceOperator]
  private let name: String

  /// `name`: a kind of source, or the beginning of one (`tensorflow`, `pytorch`); `c` for what C
  /// source is written of.
  ///
  /// Errors: `.usage` for a name that fits none.
  init(_ name: String) throws(EngineError) {
    self.name = name
    if name == "c" {
      rows = CSource.operators
      return
    }
    let all = Conversion.converters
    guard
      let found = all.first(where: { $0.kinds.contains { $0.rawValue == name } })
        ?? all.first(where: { $0.kinds.contains { $0.rawValue.hasPrefix(name) } })
    else {
      throw EngineError(
        .usage, "nothing is converted from '\(name)'", expected: "one of \(Convert.listed), c")
    }
    rows = found.operators.sorted { $0.name < $1.name }
  }

  func text(json: Bool) -> String {
    if json {
      return JSONWriter.string(
        of: .array(rows.map { ["name": .string($0.name), "note": .string($0.note)] }), pretty: true)
    }
    let width = rows.map(\.name.count).max() ?? 0
    var lines = [Terminal.bold("\(rows.count) \(name == "c" ? "as C source" : "from \(name)")")]
    for row in rows {
      let padding = String(repeating: " ", count: width - row.name.count)
      lines.append(row.note.isEmpty ? row.name : "\(row.name)\(padding)  \(row.note)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
