import Formats
import Glibc
import Runtime
import Tensors

/// Writes what a model gives for rows of a table as delimited text.
///
/// An output `[rows, n]` gives n columns, `name_0` on, or the class names where the model's
/// `dlrun.classes` has n of them; an integer output `[rows]` whose model has class names is written
/// as names.
final class TableOutput {
  private let path: String
  private var writer: CSVWriter<TableSink>
  private let sink: TableSink
  private let classes: [String]
  private var hasHeader = false

  init(path: String, session: Session) throws(EngineError) {
    self.path = path
    classes =
      try session.metadata["dlrun.classes"].map { (t) throws(EngineError) in
        try stringList(t, key: "dlrun.classes")
      } ?? []
    sink =
      path == "-"
      ? .stream(FileSink(descriptor: 1, path: "standard output")) : .file(try AtomicFile(path))
    writer = CSVWriter(sink, delimiter: path.hasSuffix(".tsv") ? 0x09 : 0x2C)
  }

  /// Writes the outputs of one batch; false when nobody reads them any more.
  func write(_ results: Outputs, rows: Int) throws(EngineError) -> Bool {
    var tensors: [Tensor] = []
    for (i, name) in results.names.enumerated() {
      guard let t = results[i] else {
        throw EngineError(
          .unsupported, "output '\(name)' is no tensor and has no place in a table",
          hint: "choose others with --outputs")
      }
      guard t.shape.rank > 0, t.shape[0] == rows else {
        throw EngineError(
          .shape, "output '\(name)' has no row for each row of the table",
          expected: "[\(rows), ...]", received: "\(t.shape)", hint: "choose others with --outputs")
      }
      tensors.append(isLabel(t) ? try names(of: t) : t)
    }
    if !hasHeader {
      var header: [String] = []
      for (name, t) in zip(results.names, tensors) { header += columnNames(name, t) }
      try writer.write(header: header)
      hasHeader = true
    }
    do throws(EngineError) {
      try writer.write(rows: tensors)
    } catch {
      if error.code == .io, errno == EPIPE { return false }
      throw error
    }
    return true
  }

  func finish() throws(EngineError) {
    try writer.flush()
    try sink.finish()
  }

  private func isLabel(_ t: Tensor) -> Bool {
    !classes.isEmpty && t.dtype == .int64 && t.count == t.shape[0]
  }

  /// Class numbers as names; a number without a name stays a number.
  private func names(of t: Tensor) throws(EngineError) -> Tensor {
    let list = t.elements(Int64.self).map { n in
      n >= 0 && n < classes.count ? classes[Int(n)] : "\(n)"
    }
    return try Tensor(shape: [list.count], strings: list)
  }

  private func columnNames(_ name: String, _ t: Tensor) -> [String] {
    let width = t.shape.count(of: 1..<t.shape.rank)
    if t.shape.rank == 1 { return [name] }
    if width == classes.count { return classes }
    if width == 1 { return [name] }
    return (0..<width).map { "\(name)_\($0)" }
  }
}

/// Where a table goes: a stream as it comes, or a file that appears whole at the end.
enum TableSink: ByteSink {
  case stream(FileSink)
  case file(AtomicFile)

  func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    switch self {
    case .stream(let s): try s.write(bytes)
    case .file(let f): try f.write(bytes)
    }
  }

  func finish() throws(EngineError) {
    switch self {
    case .stream(let s): try s.flush()
    case .file(let f): try f.commit()
    }
  }
}
