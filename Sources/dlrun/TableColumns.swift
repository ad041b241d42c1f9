import Formats
import Graphs
import Runtime
import Tensors

/// Which columns of a table one input of a model takes, and in which shape.
struct TableColumns {
  let port: Session.Port
  /// Nil for all of them.
  let columns: [Int]?
  let isText: Bool
  /// The batch size that the input insists on.
  let fixedRows: Int?
  /// Sizes of one row as the model takes it.
  private let rowShape: [Int]

  /// How many columns an input takes, `rest` where it does not say.
  static func width(of port: Session.Port, _ rest: Int) throws(EngineError) -> Int {
    guard case .tensor(_, let dims?) = port.type else { return rest }
    var width = 1
    for d in dims.dropFirst() {
      guard let n = d.known else { return rest }
      width *= n
    }
    guard width <= rest else {
      throw EngineError(
        .invalidModel, "the model's dlrun.features name fewer columns than its inputs take",
        expected: "\(width) for input '\(port.name)'", received: "\(rest)")
    }
    return width
  }

  init(
    _ port: Session.Port, _ reader: CSVReader, features: [String]?, path: String
  ) throws(EngineError) {
    self.port = port
    guard case .tensor(let dtype?, let dims) = port.type else {
      throw EngineError(
        .unsupported, "input '\(port.name)' is \(port.type.text), which a table cannot give",
        hint: "give a .npz or .pb file")
    }
    isText = dtype == .string
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
    } else if let numbered = Self.numbered(features),
      numbered.allSatisfy({ $0 < reader.columnCount })
    {
      columns = numbered
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

  /// Places of features that are called `column_1` and so on, as training calls the columns of a
  /// table without a header.
  private static func numbered(_ features: [String]?) -> [Int]? {
    guard let features, !features.isEmpty else { return nil }
    let places = features.compactMap { f in
      f.hasPrefix("column_") ? Int(f.dropFirst(7)).flatMap { $0 > 0 ? $0 - 1 : nil } : nil
    }
    return places.count == features.count ? places : nil
  }

  /// The columns as a reader of single columns takes them.
  func wanted(of count: Int) -> [CSVColumn] {
    (columns ?? Array(0..<count)).map { CSVColumn($0, isText ? .text : .float32) }
  }

  /// Columns `[ROWS]` side by side as the input.
  func join(_ columns: [Tensor], rows: Int) throws(EngineError) -> Tensor {
    let shape = try Shape(checking: [rows, columns.count])
    if isText {
      let cells = columns.map(\.strings)
      let list = (0..<rows).flatMap { r in cells.map { $0[r] } }
      return try Tensor(shape: shape, strings: list).reshaped(try sized(rows))
    }
    let values = columns.map { $0.elements(Float.self) }
    var list: [Float] = []
    list.reserveCapacity(rows * columns.count)
    for r in 0..<rows { for v in values { list.append(v[r]) } }
    return try fit(Tensor(shape: shape, list))
  }

  private func sized(_ rows: Int) throws(EngineError) -> Shape {
    try Shape(checking: [rows] + rowShape)
  }

  /// Numbers `[ROWS, COLUMNS]` as the input.
  func fit(_ batch: Tensor) throws(EngineError) -> Tensor {
    let shaped = try batch.reshaped(sized(batch.shape[0]))
    guard case .tensor(let t) = try port.fit(.tensor(shaped)) else { return shaped }
    return t
  }
}
