import Formats
import Tensors

/// A table read from a text file of the model, line by line.
///
/// Column -1 of a line is its number, -2 the whole line, others what lies between delimiters.
struct TFVocabulary {
  private let keyColumn: Int
  private let valueColumn: Int
  private let delimiter: String

  init(_ node: TFNode) throws(EngineError) {
    keyColumn = try node.attributes.int("key_index", -2)
    valueColumn = try node.attributes.int("value_index", -1)
    delimiter = try node.attributes.string("delimiter", "\t")
  }

  /// Keys and values of the file at `path`, which only counts by its name within `assets`.
  ///
  /// Errors: those of opening it; `.malformed` for numbers that are none; `.unsupported` without a
  /// folder.
  func table(
    _ path: String, _ folder: ModelFolder?
  ) throws(EngineError) -> (keys: Tensor, values: Tensor) {
    guard let folder else {
      throw EngineError(.unsupported, "a table is read from a file", received: "'\(path)'")
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let file = try folder.file("assets/" + name, limit: 1 << 30)
    let text = String(decoding: file.bytes, as: UTF8.self)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return (try column(keyColumn, lines), try column(valueColumn, lines))
  }

  private func column(_ column: Int, _ lines: [Substring]) throws(EngineError) -> Tensor {
    if column == -1 {
      return try Tensor(shape: [lines.count], lines.indices.map { Int64($0) })
    }
    if column == -2 { return try Tensor(shape: [lines.count], strings: lines.map(String.init)) }
    var values: [String] = []
    let mark = delimiter.first ?? "\t"
    for line in lines {
      let cells = line.split(separator: mark, omittingEmptySubsequences: false)
      guard column >= 0, column < cells.count else {
        throw EngineError(.malformed, "a line of the vocabulary has too few columns")
      }
      values.append(String(cells[column]))
    }
    return try Tensor(shape: [values.count], strings: values)
  }
}
