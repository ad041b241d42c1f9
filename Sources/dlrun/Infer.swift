import ArgumentParser
import Formats
import Graphs
import Kernels
import Runtime
import Tensors

/// `dlrun infer`: runs a model on files.
struct Infer: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a model on the inputs in files.",
    discussion: """
      INPUT is one file, or name=FILE for each input; - is CSV on standard input. \
      Files: .csv, .tsv, .npy, .npz (arrays match inputs by name), .pb (TensorProto), \
      .safetensors, .json. Rows of a table stream through the model in batches. Without -o, a \
      table gives CSV on standard output and other inputs a readable summary.

      Example: dlrun infer Models/iris.pb Models/iris.csv
      """)

  @Argument(help: "An ONNX model (.onnx, .pb, or either with .gz).", completion: .file())
  var model: String
  @Argument(help: "FILE, or name=FILE for each input.", completion: .file()) var inputs: [String]
  @Option(name: .shortAndLong, help: "Write the outputs here; the kind goes by the extension.")
  var output: String?
  @OptionGroup var session: SessionArguments
  @Option(help: "Rows of a table to run at once.") var batch = 1024
  @Option(help: "Values to give, by name, separated by commas; default: the model's outputs.")
  var outputs: String?
  @Option(help: "Write when each operator ran to this file, as a Chrome trace.")
  var profile: String?

  func validate() throws {
    guard batch >= 1, batch <= 1 << 24 else {
      throw ValidationError("--batch must be 1 to \(1 << 24), received \(batch)")
    }
    if inputs.isEmpty { throw ValidationError("give at least one input file") }
  }

  func run() throws {
    let files = try InputFiles(arguments: inputs)
    let names = outputs.map { $0.split(separator: ",").map(String.init) }
    let profiler = profile == nil ? nil : Profiler()
    if let table = files.table {
      let file = try ModelFile.read(contentsOf: model)
      let session = try open(file, self.session.options)
      if file.compiled != nil { CodePages.release() }
      try inferTable(table, session, names, profiler)
    } else {
      let results = try inferOnce(files, names, profiler)
      if let output {
        var tensors: [TensorFile.Named] = []
        for (i, name) in results.names.enumerated() {
          guard let t = results[i] else {
            throw EngineError(
              .unsupported, "output '\(name)' is no tensor and cannot be written to a file",
              hint: "choose others with --outputs")
          }
          tensors.append((name, t))
        }
        try TensorFile.write(tensors, to: output)
      } else {
        for (name, value) in zip(results.names, results.values) {
          writeOutput("\(Terminal.bold(name)): \(value.map { summary($0) } ?? "none")\n")
        }
      }
    }
    if let profile, let profiler { try writeFile(profiler.chromeTrace(), to: profile) }
  }

  private func open(
    _ file: ModelGraph, _ options: SessionOptions
  ) throws(EngineError) -> Session {
    try inFile(model) { () throws(EngineError) in try Session(file, options: options) }
  }

  /// One run; model and inputs are gone before anything is done with its results.
  private func inferOnce(
    _ files: InputFiles, _ names: [String]?, _ profiler: Profiler?
  ) throws -> Outputs {
    let file = try ModelFile.read(contentsOf: model)
    var options = self.session.options
    options.returnsMemory = true
    let session = try open(file, options)
    let values = try files.values(for: session)
    if file.compiled != nil { forgetStart(session, values) }
    return try inFile(model) { () throws(EngineError) in
      try session.run(values: values, outputs: names, profiler: profiler)
    }
  }

  private func summary(_ value: Value) -> String {
    switch value {
    case .tensor(let t): "\(t.dtype)\(t.shape)\n\(t.preview())"
    case .sequence(let list):
      "sequence of \(list.count)\n" + list.map { summary($0) }.joined(separator: "\n")
    case .optional(let v): v.map { summary($0) } ?? "none"
    case .map(let m): "map\n\(m.keys.preview())\n" + summary(m.values)
    }
  }

  /// Streams rows through the model, in memory that does not grow with the file.
  private func inferTable(
    _ path: String, _ session: Session, _ names: [String]?, _ profiler: Profiler?
  ) throws {
    let input = try TableInput(path: path, session: session)
    let isStream = output.map { InputFiles.isTable($0) } ?? true
    var progress = Progress()
    let start = nanoseconds()
    let writer = isStream ? try TableOutput(path: output ?? "-", session: session) : nil
    var collected: [[Tensor]] = []
    var outputNames: [String] = []
    while let rows = try input.next(rows: batch) {
      let results = try inFile(model) { () throws(EngineError) in
        try session.run(rows, outputs: names, profiler: profiler)
      }
      if let writer {
        let count = rows.values.first?.shape[0] ?? 0
        if try !writer.write(results, rows: count) { return }
      } else {
        outputNames = results.names
        var tensors: [Tensor] = []
        for (i, name) in results.names.enumerated() {
          guard let t = results[i] else {
            throw EngineError(.unsupported, "output '\(name)' is no tensor and cannot be collected")
          }
          tensors.append(t)
        }
        collected.append(tensors)
      }
      progress.show(
        "\(input.rowsRead) rows, "
          + "\(fixed(Double(input.rowsRead) / Double(nanoseconds() - start) * 1e9, 0)) a second")
    }
    progress.clear()
    if let writer {
      try writer.finish()
    } else if let output {
      var all: [TensorFile.Named] = []
      for (k, name) in outputNames.enumerated() {
        all.append((name, try concatenated(collected.map { $0[k] }, name)))
      }
      try TensorFile.write(all, to: output)
    }
  }

  /// Batches of one output joined along the first axis.
  private func concatenated(_ parts: [Tensor], _ name: String) throws(EngineError) -> Tensor {
    guard let first = parts.first else { return try Tensor(shape: [0], [] as [Float]) }
    if parts.count == 1 { return first }
    var rows = 0
    for p in parts {
      guard p.shape.rank >= 1, p.shape.rank == first.shape.rank,
        p.shape.array.dropFirst() == first.shape.array.dropFirst()
      else {
        throw EngineError(
          .shape, "output '\(name)' has no row for each row of the table", received: "\(p.shape)",
          hint: "run all rows at once with --batch")
      }
      rows += p.shape[0]
    }
    let shape = try Shape(checking: [rows] + first.shape.array.dropFirst())
    if first.dtype == .string { return try Tensor(shape: shape, strings: parts.flatMap(\.strings)) }
    return try Tensor(TensorType(first.dtype, shape)) { (bytes) throws(EngineError) in
      var at = 0
      for p in parts {
        guard at + p.byteCount <= bytes.count else { return }
        UnsafeMutableRawBufferPointer(rebasing: bytes[at...]).copyBytes(from: p.rawBytes)
        at += p.byteCount
      }
    }
  }
}
