import Tensors

extension CSVReader {
  /// The next rows as one tensor `[ROWS]` a column, or nil when there are none left.
  ///
  /// - `columns`: which to read and as what: float32, float64, int64, or text (a string tensor).
  ///
  /// Errors: as for the reader; `.value` for an integer beyond 64 bits; `.malformed` for a missing
  /// integer unless the options give it a value.
  public func nextBatch(rows: Int, columns: [CSVColumn]) throws(EngineError) -> [Tensor]? {
    var places = [[Int]](repeating: [], count: columnCount)
    for (to, column) in columns.enumerated() {
      guard places.indices.contains(column.index) else { throw noColumn(column.index) }
      places[column.index].append(to)
    }
    guard rows > 0 else { throw EngineError(.usage, "a batch needs at least one row") }
    guard try input.skipBlankLines() else { return nil }
    let limit = try capacity(rows: rows, rowBytes: max(columns.count, 1) * 16)
    var cells = columns.map { Cells($0.kind) }
    var row = 0
    while row < limit {
      guard try input.skipBlankLines() else { break }
      if try readRow(places, row, &cells) { row += 1 } else { try input.refill() }
    }
    var result: [Tensor] = []
    for column in cells { result.append(try column.tensor(rows: row)) }
    return result
  }

  /// The values of one column.
  enum Cells {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
    case text([String])

    init(_ kind: CSVColumn.Kind) {
      switch kind {
      case .float32: self = .float32([])
      case .float64: self = .float64([])
      case .int64: self = .int64([])
      case .text: self = .text([])
      }
    }

    func tensor(rows: Int) throws(EngineError) -> Tensor {
      switch self {
      case .float32(let list): try Tensor(shape: [rows], list)
      case .float64(let list): try Tensor(shape: [rows], list)
      case .int64(let list): try Tensor(shape: [rows], list)
      case .text(let list): try Tensor(shape: [rows], strings: list)
      }
    }
  }

  /// Reads the row at hand as number `row` of the batch; false when the block ends within it. A row
  /// that is read again overwrites what its first reading left.
  private func readRow(
    _ places: [[Int]], _ row: Int, _ cells: inout [Cells]
  ) throws(EngineError) -> Bool {
    var p = input.start
    var line = input.line
    var column = 0
    while true {
      guard let field = try CSVField(at: p, in: input, delimiter: delimiter, line: line) else {
        return false
      }
      if column < columnCount {
        for place in places[column] { try store(field, column, line, row, &cells[place]) }
      }
      line += field.newlines
      p = field.next
      column += 1
      if field.isLastInRow { break }
    }
    guard column == columnCount else { throw wrongWidth(column, input.line) }
    input.start = p
    input.line = line + 1
    return true
  }

  private func store(
    _ field: CSVField, _ column: Int, _ line: Int, _ row: Int, _ cells: inout Cells
  ) throws(EngineError) {
    func put<T>(_ value: T, _ list: inout [T]) {
      if row < list.count { list[row] = value } else { list.append(value) }
    }
    switch cells {
    case .float32(var list):
      // Taken out while it grows, so that it is not copied.
      cells = .float32([])
      put(try float(field, column, line), &list)
      cells = .float32(list)
    case .float64(var list):
      cells = .float64([])
      put(try double(field, column, line), &list)
      cells = .float64(list)
    case .int64(var list):
      cells = .int64([])
      put(try integer(field, column, line), &list)
      cells = .int64(list)
    case .text(var list):
      cells = .text([])
      guard let text = field.text else {
        throw EngineError(
          .malformed, "\(describe(column: column)) is not UTF-8", received: field.excerpt,
          hint: "convert the file to UTF-8", subject: .init(file: name, line: line))
      }
      put(text, &list)
      cells = .text(list)
    }
  }

  private func double(_ field: CSVField, _ column: Int, _ line: Int) throws(EngineError) -> Double {
    let (from, to) = field.trimmed
    if CSVCell.isMissing(from, to) { return .nan }
    var digits = DecimalParser.Digits()
    if DecimalParser.digits(from, &digits) == to {
      if let value = DecimalParser.fastDouble(digits, DecimalParser.powerTable) { return value }
      if let value = DecimalParser.slowDouble(from, to) { return value }
    }
    if let value = CSVCell.word(from, to) { return value }
    throw notANumber(field, column, line)
  }

  private func integer(_ field: CSVField, _ column: Int, _ line: Int) throws(EngineError) -> Int64 {
    let (from, to) = field.trimmed
    if CSVCell.isMissing(from, to) {
      if let value = options.missingInteger { return value }
      throw EngineError(
        .malformed, "\(describe(column: column)) has a missing value", expected: "an integer",
        received: field.excerpt, subject: .init(file: name, line: line))
    }
    let raw = UnsafeBufferPointer(start: from, count: to - from)
    let negative = raw[0] == 0x2D
    let digits = negative || raw[0] == 0x2B ? raw.dropFirst() : raw[...]
    guard !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
      throw EngineError(
        .malformed, "\(describe(column: column)) is not an integer", expected: "an integer",
        received: field.excerpt, subject: .init(file: name, line: line))
    }
    var value: Int64 = 0
    for digit in digits {
      let (tenfold, high) = value.multipliedReportingOverflow(by: 10)
      let d = Int64(digit - 0x30)
      let (next, low) =
        negative ? tenfold.subtractingReportingOverflow(d) : tenfold.addingReportingOverflow(d)
      guard !high && !low else {
        throw EngineError(
          .value, "\(describe(column: column)) is beyond 64 bits", expected: "a 64-bit integer",
          received: field.excerpt, subject: .init(file: name, line: line))
      }
      value = next
    }
    return value
  }
}
