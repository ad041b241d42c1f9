import Glibc
import Tensors

/// Reads delimited text in batches of rows, in memory that does not grow with the file.
///
/// Cells are separated by `,`, tab, `;` or `|`, rows by LF, CRLF or CR; cells in double quotes may
/// hold any of these, and a quote doubled. Blank lines are skipped, as is a UTF-8 byte order mark.
/// Numbers are rounded exactly. An empty cell, `NaN`, `NA`, `null` and their like are NaN in a float
/// column, `true` and `false` are 1 and 0. With `header: .automatic` the first row is a header when some cell is text and either no
/// cell is a number, or a column that is text there is not in the second row.
///
/// Errors: `.inputMissing`; `.malformed` with file, line and column for a row of another width, text
/// in a column of numbers, an open quote, text that is not UTF-8; `.value` for an integer beyond 64
/// bits; `.budget` for a row or batch over the options' limits; `.io`.
///
/// Cost: one pass over the bytes, each batch one tensor. Source: RFC 4180, and pandas where it is
/// wider.
public final class CSVReader {
  /// The column names, when there is a header.
  public private(set) var header: [String]?
  public private(set) var columnCount = 0
  public private(set) var delimiter: UInt8 = 0x2C
  /// The file's name for messages.
  public var name: String { input.name }
  let input: CSVInput
  let options: CSVOptions

  /// Opens `path`; `-` is standard input. A name that ends in `.tsv` sets the delimiter to tab.
  public convenience init(path: String, options: CSVOptions = CSVOptions()) throws(EngineError) {
    var options = options
    if options.delimiter == nil && path.hasSuffix(".tsv") { options.delimiter = 0x09 }
    let fd = try InputFile.open(path)
    try self.init(descriptor: fd, name: path == "-" ? "standard input" : path, options: options)
  }

  /// Reads an open descriptor, which it closes at the end.
  public init(
    descriptor: Int32, name: String, options: CSVOptions = CSVOptions()
  ) throws(EngineError) {
    self.options = options
    input = CSVInput(descriptor: descriptor, name: name, options: options)
    if let d = options.delimiter {
      guard CSVReader.mayDelimit(d) else {
        throw EngineError(
          .usage, "a byte that may be part of a cell cannot separate cells",
          expected: "a comma, semicolon, tab, or other punctuation", received: "byte \(d)")
      }
      delimiter = d
    }
    try open()
  }

  private static func mayDelimit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x09, 0x20: true
    case 0x22, 0x2B, 0x2D, 0x2E: false
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: false
    default: byte > 0x20 && byte < 0x7F
    }
  }

  private func open() throws(EngineError) {
    while input.end - input.start < 3 && !input.isAtEnd { try input.refill() }
    let (p, n) = (input.start, input.end - input.start)
    if n >= 2 && (p[0] == 0xFF && p[1] == 0xFE || p[0] == 0xFE && p[1] == 0xFF) {
      throw EngineError(
        .unsupported, "the text is UTF-16", expected: "UTF-8", hint: "convert the file to UTF-8",
        subject: .init(file: name))
    }
    if n >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF { input.start += 3 }
    guard try input.skipBlankLines() else {
      throw EngineError(.malformed, "there are no rows", subject: .init(file: name))
    }
    if options.delimiter == nil { delimiter = try detectDelimiter() }
    var first = try peekRow(after: 0)
    columnCount = first.cells.count
    var isHeader = options.header == .present
    if options.header == .automatic, first.cells.contains(.text) {
      isHeader = !first.cells.contains(.number)
      if !isHeader {
        let second = try peekRow(after: first.length)
        // Reading on may have moved the block.
        first = try peekRow(after: 0)
        isHeader = zip(first.cells, second.cells).contains { $0 == .text && $1 != .text }
      }
    }
    guard isHeader else { return }
    guard let names = first.names else {
      throw EngineError(
        .malformed, "the header is not UTF-8", hint: "convert the file to UTF-8",
        subject: .init(file: name, line: input.line))
    }
    header = names
    input.start += first.length
    input.line += first.lines
  }

  private struct Peek {
    var cells: [CSVCell] = []
    var names: [String]? = []
    var length = 0
    var lines = 1
  }

  /// The row that begins `offset` bytes behind the place of reading, which stays. The row at
  /// `offset` is taken as it is, blank or not.
  private func peekRow(after offset: Int) throws(EngineError) -> Peek {
    while true {
      var peek = Peek()
      var p = input.start + offset
      while p <= input.end {
        guard
          let field = try CSVField(
            at: p, in: input, delimiter: delimiter, line: input.line)
        else { break }
        peek.cells.append(CSVCell(field))
        if let text = field.text { peek.names?.append(text) } else { peek.names = nil }
        peek.lines += field.newlines
        p = field.next
        if field.isLastInRow {
          peek.length = p - input.start - offset
          return peek
        }
      }
      try input.refill()
    }
  }

  /// The most frequent candidate of the first row, outside quotes.
  private func detectDelimiter() throws(EngineError) -> UInt8 {
    let candidates: [UInt8] = [0x2C, 0x09, 0x3B, 0x7C]
    var from = 0
    var counts = [0, 0, 0, 0]
    var quoted = false
    scan: while true {
      let count = input.end - input.start
      while from < count {
        let c = input.start[from]
        from += 1
        if c == 0x22 { quoted.toggle() }
        if quoted { continue }
        if c == 0x0A || c == 0x0D { break scan }
        if let i = candidates.firstIndex(of: c) { counts[i] += 1 }
      }
      if input.isAtEnd { break }
      try input.refill()
    }
    let most = counts.max() ?? 0
    return candidates[counts.firstIndex(of: most) ?? 0]
  }

  /// The numbers of the columns of these names.
  ///
  /// Errors: `.usage` when there is no header, a name is not in it, or stands in it twice.
  public func columns(named names: [String]) throws(EngineError) -> [Int] {
    guard let header else {
      throw EngineError(
        .usage, "columns are asked for by name but there is no header", subject: .init(file: name))
    }
    var places: [String: Int] = [:]
    var doubled: Set<String> = []
    for (i, n) in header.enumerated() where places.updateValue(i, forKey: n) != nil {
      doubled.insert(n)
    }
    var result: [Int] = []
    for n in names {
      guard let place = places[n], !doubled.contains(n) else {
        throw EngineError(
          .usage, places[n] == nil ? "there is no column '\(n)'" : "two columns are named '\(n)'",
          received: "the columns \(header.prefix(20).joined(separator: ", "))"
            + (header.count > 20 ? ", ..." : ""), subject: .init(file: name))
      }
      result.append(place)
    }
    return result
  }

  /// `column 'width' (3)`, from 1, for messages.
  func describe(column: Int) -> String {
    guard let header, column < header.count else { return "column \(column + 1)" }
    return "column '\(header[column])' (\(column + 1))"
  }
}
