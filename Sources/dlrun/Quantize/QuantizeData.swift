import Formats
import Graphs
import Quantization
import Runtime
import Tensors

/// Rows and labels for `dlrun quantize`, from files.
struct QuantizeData {
  let session: Session
  let batch: Int
  /// The column or array that holds the labels.
  let target: String?

  /// The rows of files given as for `dlrun infer`. A table streams; other files are mapped.
  ///
  /// Errors: `.usage` for standard input, which cannot be read twice; those of reading.
  func rows(_ files: [String], batch: Int? = nil) throws(EngineError) -> any CalibrationData {
    let inputs = try InputFiles(arguments: files)
    if let table = inputs.table {
      guard table != "-" else {
        throw EngineError(
          .usage, "rows are read more than once and standard input only once",
          expected: "the name of a file")
      }
      // What is wrong with the columns shows before the work begins.
      _ = try TableInput(path: table, session: session, target: target)
      return FileRows(
        rows: TableRows(
          path: table, session: session, batch: batch ?? self.batch, target: target), path: table)
    }
    var tensors: [String: Tensor] = [:]
    for (name, value) in try inputs.values(for: session) { tensors[name] = try value.asTensor() }
    let path = inputs.files.first?.path ?? ""
    do throws(EngineError) {
      let rows = try TensorBatches(tensors, for: session.inputs, batch: batch ?? self.batch)
      return FileRows(rows: rows, path: path)
    } catch { throw error.at(file: path) }
  }

  /// One batch of made-up inputs; nil where none can be made.
  func madeUp() -> (any CalibrationData)? {
    guard let inputs = try? SyntheticInputs(shapes: []).make(for: session) else { return nil }
    return try? TensorBatches(inputs, for: session.inputs, batch: 1)
  }

  /// The first row, or a made-up one; nil where none can be made.
  func example(_ files: [String]) throws(EngineError) -> [String: Tensor]? {
    var data = madeUp()
    if !files.isEmpty { data = try rows(files, batch: 1) }
    guard let data else { return nil }
    var first: [String: Tensor]?
    try data.forEachBatch { (inputs, _) throws(EngineError) in
      first = inputs
      return false
    }
    return first
  }

  /// The labels, if any are asked for.
  ///
  /// - `file`: of labels alone; nil where the rows' file holds them.
  /// - Errors: `.usage` where the column or array is not there or not named.
  func labels(
    file: String?, rows: [String], metric: Labels.Metric
  ) throws(EngineError) -> Labels? {
    guard file != nil || target != nil else { return nil }
    var path = file ?? ""
    if file == nil { path = try single(rows) }
    do throws(EngineError) {
      return try Labels(try read(path), metric: metric)
    } catch { throw error.at(file: path) }
  }

  private func single(_ rows: [String]) throws(EngineError) -> String {
    let files = try InputFiles(arguments: rows).files
    guard files.count == 1, let only = files.first else {
      throw EngineError(
        .usage, "inputs come from several files, so --target does not say which holds the labels",
        expected: "--labels FILE")
    }
    return only.path
  }

  private func read(_ path: String) throws(EngineError) -> Tensor {
    if InputFiles.isTable(path), let target { return try column(target, path) }
    let all = try TensorFile.read(path)
    if let target {
      guard let found = all.first(where: { $0.name == target }) else {
        throw EngineError(
          .usage, "there is no array '\(target)'", expected: names(all),
          hint: "choose with --target")
      }
      return found.value
    }
    guard all.count == 1, let only = all.first else {
      throw EngineError(
        .usage, "the file holds several arrays", expected: "one of \(names(all)) as --target")
    }
    return only.value
  }

  private func names(_ all: [TensorFile.Named]) -> String {
    all.compactMap(\.name).map { "'\($0)'" }.joined(separator: ", ")
  }

  /// A column of numbers, or of names that the model's metadata list as its classes.
  private func column(_ name: String, _ path: String) throws(EngineError) -> Tensor {
    let reader = try CSVReader(path: path)
    let place = try reader.columns(named: [name])
    var cells: [String] = []
    while let part = try reader.nextBatch(rows: 4096, columns: place.map { CSVColumn($0, .text) }) {
      cells += part.first?.strings ?? []
    }
    let classes = try session.metadata["dlrun.classes"].map { (t) throws(EngineError) in
      try stringList(t, key: "dlrun.classes")
    }
    var numbers: [Double] = []
    for cell in cells {
      if let k = classes?.firstIndex(of: cell) {
        numbers.append(Double(k))
      } else if let x = Double(cell) {
        numbers.append(x)
      } else {
        throw EngineError(
          .value, "label '\(cell)' is no number",
          expected: classes.map {
            "one of " + $0.joined(separator: ", ")
          } ?? "numbers, or a model whose metadata 'dlrun.classes' list the names")
      }
    }
    return try Tensor(numbers)
  }
}

/// Rows whose file stands in errors that they cause.
private struct FileRows: CalibrationData {
  let rows: any CalibrationData
  let path: String

  func forEachBatch(
    _ body: ([String: Tensor], Int) throws(EngineError) -> Bool
  ) throws(EngineError) {
    do throws(EngineError) { try rows.forEachBatch(body) } catch { throw error.at(file: path) }
  }
}

/// A table gone through from its start each time.
private struct TableRows: CalibrationData {
  let path: String
  let session: Session
  let batch: Int
  let target: String?

  func forEachBatch(
    _ body: ([String: Tensor], Int) throws(EngineError) -> Bool
  ) throws(EngineError) {
    let input = try TableInput(path: path, session: session, target: target)
    var done = 0
    while let rows = try input.next(rows: batch) {
      defer { done = input.rowsRead }
      if try !body(rows, input.rowsRead - done) { return }
    }
  }
}
