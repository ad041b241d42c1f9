import Formats
import Graphs
import Runtime
import Tensors

/// Rows of a delimited text file as batches for a model with one numeric input.
final class TableInput {
  let port: Session.Port
  private let reader: CSVReader
  private let columns: [Int]?
  /// Sizes of one row as the model takes it.
  private let rowShape: [Int]
  private let dtype: DType
  /// The batch size the model insists on, if any.
  let fixedRows: Int?
  private(set) var rowsRead = 0

  /// A table for `port`, or for the model's only required input.
  init(path: String, session: Session, port given: Session.Port? = nil) throws(EngineError) {
    let only = session.inputs.dropFirst().allSatisfy(\.isOptional) ? session.inputs.first : nil
    guard let port = given ?? only else {
      throw EngineError(
        .usage, "the model has \(session.inputs.count) inputs and a table is one",
        expected: "name=FILE for each of "
          + session.inputs.map { "'\($0.name)'" }.joined(separator: ", "))
    }
    self.port = port
    guard case .tensor(let dtype?, let dims) = port.type, dtype != .string else {
      throw EngineError(
        .unsupported, "input '\(port.name)' is \(port.type.text), which a table cannot give",
        hint: "give a .npz or .pb file")
    }
    self.dtype = dtype
    let reader = try CSVReader(path: path)
    self.reader = reader
    let features = try session.metadata["dlrun.features"].map { (t) throws(EngineError) in
      try stringList(t, key: "dlrun.features")
    }
    var row: [Int] = []
    for d in (dims ?? []).dropFirst() { row.append(d.known ?? -1) }
    if dims == nil || dims?.count == 1 { row = [] }
    let open = row.filter { $0 < 0 }.count
    let known = row.filter { $0 >= 0 }.reduce(1, *)
    let wanted: Int? = dims == nil || open > 0 ? nil : dims?.count == 1 ? 1 : known
    if let features, reader.header != nil {
      do throws(EngineError) {
        columns = try reader.columns(named: features)
      } catch {
        throw EngineError(
          error.code, error.message, expected: "the columns " + features.joined(separator: ", "),
          received: error.received, hint: "the model's dlrun.features name the columns it needs",
          subject: .init(file: path))
      }
    } else if let wanted {
      guard reader.columnCount >= wanted else {
        throw EngineError(
          .malformed, "the table has too few columns for input '\(port.name)' \(port.type.text)",
          expected: "\(wanted)", received: "\(reader.columnCount)", subject: .init(file: path))
      }
      columns = reader.columnCount == wanted ? nil : Array(0..<wanted)
    } else {
      columns = nil
    }
    let width = columns?.count ?? reader.columnCount
    if open == 1, known > 0, width % known == 0 {
      row = row.map { $0 < 0 ? width / known : $0 }
    } else if open > 1 || (row.isEmpty && dims == nil) {
      row = [width]
    }
    guard row.reduce(1, *) == width else {
      throw EngineError(
        .shape, "the columns do not fit input '\(port.name)' \(port.type.text)",
        expected: "\(row.reduce(1, *))", received: "\(width)", subject: .init(file: path))
    }
    rowShape = row
    fixedRows = dims?.first?.known
  }

  /// The next rows as the model's input; nil at the end.
  func next(rows: Int) throws(EngineError) -> Tensor? {
    let limit = fixedRows ?? rows
    let batch: Tensor
    if limit == .max {
      batch = try reader.readAll(columns: columns)
      if batch.shape[0] == 0 { return nil }
    } else {
      guard let t = try reader.nextBatch(rows: limit, columns: columns) else { return nil }
      batch = t
    }
    if let fixedRows, batch.shape[0] != fixedRows {
      throw EngineError(
        .shape, "the model takes batches of \(fixedRows) rows and the last one has fewer",
        received: "\(batch.shape[0])", subject: .init(file: reader.name))
    }
    rowsRead += batch.shape[0]
    let shaped = try batch.reshaped(Shape(checking: [batch.shape[0]] + rowShape))
    guard case .tensor(let t) = try port.fit(.tensor(shaped)) else { return shaped }
    return t
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
