import Formats
import Graphs
import Runtime
import Tensors

/// Rows of a delimited text file as batches for a model: columns one behind the other for its
/// inputs, numbers or text.
final class TableInput {
  private let reader: CSVReader
  private let parts: [TableColumns]
  /// The batch size the model insists on, if any.
  let fixedRows: Int?
  private(set) var rowsRead = 0

  /// A table for `port`, or for all of the model's required inputs. The column `target` is none of
  /// theirs, unless the model's features name it.
  init(
    path: String, session: Session, port given: Session.Port? = nil, target: String? = nil
  ) throws(EngineError) {
    let ports = given.map { [$0] } ?? session.inputs.filter { !$0.isOptional }
    let all = ports.isEmpty ? Array(session.inputs.prefix(1)) : ports
    guard given != nil || all.count == 1 || session.metadata["dlrun.features"] != nil else {
      throw EngineError(
        .usage, "the model has \(session.inputs.count) inputs and a table is one",
        expected: "name=FILE for each of "
          + session.inputs.map { "'\($0.name)'" }.joined(separator: ", "))
    }
    let reader = try CSVReader(path: path)
    self.reader = reader
    var features = try session.metadata["dlrun.features"].map { (t) throws(EngineError) in
      try stringList(t, key: "dlrun.features")
    }
    if features == nil, let target, let header = reader.header, header.contains(target) {
      features = header.filter { $0 != target }
    }
    // The features of several inputs lie one behind the other; a file for one input is its own.
    if given != nil, session.inputs.count > 1 { features = nil }
    var parts: [TableColumns] = []
    var at = 0
    for port in all {
      let mine: [String]?
      if let features, all.count > 1 {
        let count = try TableColumns.width(of: port, features.count - at)
        mine = Array(features[at..<min(at + count, features.count)])
        at += count
      } else {
        mine = features
      }
      parts.append(try TableColumns(port, reader, features: mine, path: path))
    }
    self.parts = parts
    fixedRows = parts.compactMap(\.fixedRows).first
  }

  /// The next rows as the model's inputs, by name; nil at the end.
  func next(rows: Int) throws(EngineError) -> [String: Tensor]? {
    let limit = fixedRows ?? rows
    var result: [String: Tensor] = [:]
    var count = 0
    if let only = parts.first, parts.count == 1, !only.isText {
      let batch: Tensor
      if limit == .max {
        batch = try reader.readAll(columns: only.columns)
        if batch.shape[0] == 0 { return nil }
      } else {
        guard let t = try reader.nextBatch(rows: limit, columns: only.columns) else { return nil }
        batch = t
      }
      count = batch.shape[0]
      result[only.port.name] = try only.fit(batch)
    } else {
      let wanted = parts.flatMap { $0.wanted(of: reader.columnCount) }
      guard let columns = try reader.nextBatch(rows: limit, columns: wanted) else { return nil }
      count = columns.first?.shape[0] ?? 0
      var at = 0
      for part in parts {
        let width = part.wanted(of: reader.columnCount).count
        result[part.port.name] = try part.join(Array(columns[at..<at + width]), rows: count)
        at += width
      }
    }
    if let fixedRows, count != fixedRows {
      throw EngineError(
        .shape, "the model takes batches of \(fixedRows) rows and the last one has fewer",
        received: "\(count)", subject: .init(file: reader.name))
    }
    rowsRead += count
    return result
  }
}

/// A JSON array of strings from a model's metadata.
func stringList(_ json: String, key: String) throws(EngineError) -> [String] {
  let value = try JSONParser.parse(Array(json.utf8))
  guard case .array(let list) = value else {
    throw EngineError(.invalidModel, "metadata '\(key)' is no JSON array of strings")
  }
  var strings: [String] = []
  for item in list {
    guard case .string(let s) = item else {
      throw EngineError(.invalidModel, "metadata '\(key)' is no JSON array of strings")
    }
    strings.append(s)
  }
  return strings
}
