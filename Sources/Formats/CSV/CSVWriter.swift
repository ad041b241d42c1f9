import Tensors

/// Writes delimited text row by row; floats in the shortest form that reads back as the same value.
///
/// NaN is written `nan`, infinities `inf` and `-inf`. Text is quoted when it holds the delimiter, a
/// quote, a line end or a blank at either side or is empty.

///
/// Errors: `.usage` for rows that do not fit what was begun; those of the sink.
public struct CSVWriter<Sink: ByteSink> {
  public private(set) var sink: Sink
  public let delimiter: UInt8
  private var line: [UInt8] = []
  private var columnsInRow = 0
  private var width: Int?
  private static var blockSize: Int { 1 << 16 }

  public init(_ sink: Sink, delimiter: UInt8 = 0x2C) {
    self.sink = sink
    self.delimiter = delimiter
    line.reserveCapacity(CSVWriter.blockSize + 4096)
  }

  /// Column names for tensors side by side: a tensor's name, followed by `_` and the number of the
  /// column where it has several.
  public static func header(_ tensors: [(name: String, value: Tensor)]) -> [String] {
    var names: [String] = []
    for (name, tensor) in tensors {
      let rank = tensor.shape.rank
      let width = rank < 2 ? 1 : tensor.shape.count(of: 1..<rank)
      names += width == 1 ? [name] : (0..<width).map { "\(name)_\($0)" }
    }
    return names
  }

  /// Writes the column names.
  public mutating func write(header: [String]) throws(EngineError) {
    for name in header { add(name, isName: true) }
    try endRow()
  }

  /// Writes the rows of tensors side by side. Each has its rows along axis 0, and every further axis
  /// laid out along the row; tensors without axes are one row.
  ///
  /// Errors: `.shape` when the numbers of rows differ, `.dtype` for a type that is not written as
  /// text (complex, 8- and 4-bit floats).
  public mutating func write(rows tensors: [Tensor]) throws(EngineError) {
    guard let first = tensors.first else { return }
    let rows = first.shape.rank == 0 ? 1 : first.shape[0]
    var columns: [CSVCells] = []
    for tensor in tensors {
      let cells = try CSVCells(tensor)
      guard cells.rows == rows else {
        throw EngineError(
          .shape, "tensors side by side differ in rows", expected: "\(rows)",
          received: "\(cells.rows)")
      }
      columns.append(cells)
    }
    for row in 0..<rows {
      for cells in columns {
        let place = row * cells.width
        if case .float32(let list) = cells.elements {
          for i in place..<(place + cells.width) { add(list[i]) }
        } else {
          for i in place..<(place + cells.width) { add(cells, i) }
        }
      }
      try endRow()
    }
  }

  private mutating func add(_ cells: CSVCells, _ i: Int) {
    switch cells.elements {
    case .float32(let list): add(list[i])
    case .float64(let list): add(list[i])
    case .integers(let list): add(list[i])
    case .unsigned(let list): add(list[i])
    case .text(let list): add(list[i], isName: false)
    }
  }

  /// Adds a cell to the row at hand.
  public mutating func add(_ value: Float) {
    separate()
    DecimalWriter.append(value, to: &line)
  }

  public mutating func add(_ value: Double) {
    separate()
    DecimalWriter.append(value, to: &line)
  }

  public mutating func add(_ value: some BinaryInteger) {
    separate()
    line.append(contentsOf: String(value).utf8)
  }

  public mutating func add(_ text: String) { add(text, isName: false) }

  private mutating func add(_ text: String, isName: Bool) {
    separate()
    var text = text
    let delimiter = delimiter
    let quote = text.withUTF8 { CSVWriter.needsQuotes($0, delimiter, isName: isName) }
    if !quote {
      line.append(contentsOf: text.utf8)
      return
    }
    line.append(0x22)
    for byte in text.utf8 {
      if byte == 0x22 { line.append(0x22) }
      line.append(byte)
    }
    line.append(0x22)
  }

  private static func needsQuotes(
    _ bytes: UnsafeBufferPointer<UInt8>, _ delimiter: UInt8, isName: Bool
  ) -> Bool {
    guard let first = bytes.first, let last = bytes.last else { return true }
    if first == 0x20 || first == 0x09 || last == 0x20 || last == 0x09 { return true }
    return bytes.contains { $0 == delimiter || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
  }

  private mutating func separate() {
    if columnsInRow > 0 { line.append(delimiter) }
    columnsInRow += 1
  }

  /// Ends the row at hand.
  ///
  /// Errors: `.usage` when it has another number of cells than the rows before.
  public mutating func endRow() throws(EngineError) {
    guard columnsInRow == width ?? columnsInRow else {
      throw EngineError(
        .usage, "a row of another width", expected: "\(width ?? 0) cells",
        received: "\(columnsInRow)")
    }
    width = columnsInRow
    columnsInRow = 0
    line.append(0x0A)
    if line.count >= CSVWriter.blockSize { try flush() }
  }

  /// Hands what is gathered to the sink.
  public mutating func flush() throws(EngineError) {
    let pending = line
    line.removeAll(keepingCapacity: true)
    try sink.write(pending)
  }
}
