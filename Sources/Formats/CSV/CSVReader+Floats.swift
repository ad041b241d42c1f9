import Tensors

extension CSVReader {
  /// The next rows as numbers, or nil when there are none left.
  ///
  /// - `rows`: the most rows to take, at least 1.
  /// - `columns`: their numbers from 0, in the order wanted; nil for all.
  ///
  /// Output: `[ROWS, COLUMNS]` float32, fewer rows only at the end of the file.
  public func nextBatch(rows: Int, columns: [Int]? = nil) throws(EngineError) -> Tensor? {
    let plan = try FloatPlan(columns, of: self)
    guard rows > 0 else { throw EngineError(.usage, "a batch needs at least one row") }
    guard try input.skipBlankLines() else { return nil }
    let limit = try capacity(rows: rows, rowBytes: max(plan.width, 1) * 4)
    let type = TensorType(.float32, [limit, plan.width])
    let storage = try Storage(type)
    let out = storage.bytes.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < limit {
      let p = input.start
      // A line end here is a blank line; so may be the end of the block.
      if p.pointee == 0x0A || p.pointee == 0x0D || p == input.end {
        guard try input.skipBlankLines() else { break }
        continue
      }
      if try readRow(plan, out + row * plan.width) { row += 1 } else { try input.refill() }
    }
    if row == limit { return Tensor(storage) }
    return Tensor(Storage(viewing: storage, as: TensorType(.float32, [row, plan.width])))
  }

  /// Every row that is left, as one tensor `[ROWS, COLUMNS]` of float32.
  public func readAll(columns: [Int]? = nil) throws(EngineError) -> Tensor {
    let width = columns?.count ?? columnCount
    var batches: [Tensor] = []
    var count = 0
    while let batch = try nextBatch(rows: max(1, (1 << 20) / max(width, 1)), columns: columns) {
      batches.append(batch)
      count += batch.shape[0]
      if count > options.maxBatchBytes / max(width * 4, 1) { throw overBudget() }
    }
    if batches.count == 1 { return batches[0] }
    return try Tensor(TensorType(.float32, [count, width])) { (bytes) throws(EngineError) in
      var rest = bytes
      for batch in batches {
        rest.copyBytes(from: batch.rawBytes)
        rest = UnsafeMutableRawBufferPointer(rebasing: rest[batch.byteCount...])
      }
    }
  }

  /// Where the cells of a row go.
  struct FloatPlan {
    /// For each column of the file its place in the output row, or -1.
    var places: [Int]
    /// Places that repeat a column already read.
    var copies: [(from: Int, to: Int)] = []
    let width: Int

    init(_ columns: [Int]?, of reader: CSVReader) throws(EngineError) {
      guard let columns else {
        places = Array(0..<reader.columnCount)
        width = reader.columnCount
        return
      }
      places = [Int](repeating: -1, count: reader.columnCount)
      width = columns.count
      for (to, c) in columns.enumerated() {
        guard places.indices.contains(c) else { throw reader.noColumn(c) }
        if places[c] < 0 { places[c] = to } else { copies.append((places[c], to)) }
      }
    }
  }

  /// Reads the row at hand; false when the block ends within it.
  @inline(__always)
  private func readRow(
    _ plan: borrowing FloatPlan, _ out: UnsafeMutablePointer<Float>
  ) throws(EngineError) -> Bool {
    let powers = DecimalParser.powerTable
    let delimiter = delimiter
    let count = columnCount
    var p = input.start
    var line = input.line
    var column = 0
    var digits = DecimalParser.Digits()
    while true {
      let place = column < count ? plan.places[column] : -1
      if place >= 0, let q = DecimalParser.digits(p, &digits) {
        let c = q.pointee
        if c == delimiter || c == 0x0A, let value = DecimalParser.fastFloat(digits, powers) {
          out[place] = value
          p = q + 1
          column += 1
          if c == delimiter { continue }
          line += 1
          break
        }
      }
      guard let field = try CSVField(at: p, in: input, delimiter: delimiter, line: line) else {
        return false
      }
      if place >= 0 { out[place] = try float(field, column, line) }
      line += field.newlines
      p = field.next
      column += 1
      if field.isLastInRow {
        line += 1
        break
      }
    }
    guard column == count else { throw wrongWidth(column, input.line) }
    for copy in plan.copies { out[copy.to] = out[copy.from] }
    input.start = p
    input.line = line
    return true
  }

  /// A cell's value, exactly rounded; NaN when it is missing.
  func float(_ field: CSVField, _ column: Int, _ line: Int) throws(EngineError) -> Float {
    let (from, to) = field.trimmed
    if CSVCell.isMissing(from, to) { return .nan }
    var digits = DecimalParser.Digits()
    if DecimalParser.digits(from, &digits) == to {
      if let value = DecimalParser.fastFloat(digits, DecimalParser.powerTable) { return value }
      if let value = DecimalParser.slowFloat(from, to) { return value }
    }
    if let value = CSVCell.word(from, to) { return Float(value) }
    throw notANumber(field, column, line)
  }

  /// Rows that a batch may have: no more than asked, than the budget allows, than the file can hold.
  func capacity(rows: Int, rowBytes: Int) throws(EngineError) -> Int {
    var limit = rows
    if let left = input.bytesLeft { limit = min(limit, left / max(columnCount, 1) + 1) }
    guard limit <= options.maxBatchBytes / max(rowBytes, 1) else { throw overBudget() }
    return limit
  }

  func overBudget() -> EngineError {
    EngineError(
      .budget, "a batch is larger than \(options.maxBatchBytes) bytes",
      hint: "take fewer rows at once", subject: .init(file: name, line: input.line))
  }

  func noColumn(_ column: Int) -> EngineError {
    EngineError(
      .usage, "there is no column number \(column)", expected: "0 to \(columnCount - 1)",
      subject: .init(file: name))
  }

  func wrongWidth(_ received: Int, _ line: Int) -> EngineError {
    EngineError(
      .malformed, "wrong number of columns", expected: "\(columnCount)", received: "\(received)",
      subject: .init(file: name, line: line))
  }

  func notANumber(_ field: CSVField, _ column: Int, _ line: Int) -> EngineError {
    let hasComma =
      delimiter != 0x2C
      && UnsafeBufferPointer(start: field.from, count: field.to - field.from)
        .contains(0x2C)
    return EngineError(
      .malformed, "\(describe(column: column)) holds text", expected: "a number",
      received: field.excerpt, hint: hasComma ? "decimal commas are not read" : nil,
      subject: .init(file: name, line: line))
  }
}
