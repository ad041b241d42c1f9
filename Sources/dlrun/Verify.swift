import ArgumentParser
import Formats
import Glibc
import Graphs
import Runtime
import Tensors

/// `dlrun verify`: runs models in the ONNX test layout and compares their outputs.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs models with known outputs and reports which agree.",
    discussion: """
      Each folder is searched for model.onnx with test_data_set_I/{input,output}_J.pb beside \
      it, and an optional tol.json with "rtol" and "atol". Ends with the line \
      `N passed, N failed, N skipped`; exit status 1 when any failed. Outputs drawn at random that \
      differ are compared by element type, shape and range, and named.

      Example: dlrun verify .cache/onnx-suite/node --json report.json
      """)

  @Argument(help: "Folders to search.", completion: .directory) var folders: [String]
  @OptionGroup var session: SessionArguments
  @Option(help: "Write a record for each case to this file.") var json: String?
  @Option(help: "Only cases whose path contains this.") var filter: String?
  @Option(help: "Run again with so many threads; every bit must be the same.")
  var compareThreads: Int?
  @Option(help: "Seconds a case may take.") var timeout: Double = 60
  @Flag(name: .shortAndLong, help: "Print passing cases too.") var verbose = false

  func validate() throws {
    if let compareThreads, compareThreads < 1 || compareThreads > 1024 {
      throw ValidationError("--compare-threads must be 1 to 1024, received \(compareThreads)")
    }
  }

  func run() throws {
    var cases: [String] = []
    for folder in folders {
      var info = stat()
      guard stat(folder, &info) == 0 else {
        throw EngineError(.inputMissing, "no such folder", subject: .init(file: folder))
      }
      VerifyCase.find(below: folder, into: &cases)
    }
    if let filter { cases = cases.filter { $0.contains(filter) } }
    var records: [VerifyCase.Record] = []
    var progress = Progress()
    for (i, path) in cases.enumerated() {
      progress.show("\(i + 1) of \(cases.count): \(path)")
      let record = VerifyCase(
        path: path, options: session.options, timeout: timeout, otherThreads: compareThreads
      ).run()
      records.append(record)
      if record.passed, !record.reason.isEmpty {
        progress.clear()
        writeOutput("random \(path): \(record.reason)\n")
      } else if !record.passed {
        progress.clear()
        writeOutput("\(Terminal.red("FAILED")) \(path): \(record.reason)\n")
      } else if verbose {
        progress.clear()
        writeOutput("\(Terminal.green("passed")) \(path)\n")
      }
    }
    progress.clear()
    if let json { try writeReport(records, to: json) }
    let passed = records.reduce(0) { $0 + ($1.passed ? 1 : 0) }
    writeOutput("\(passed) passed, \(records.count - passed) failed, 0 skipped\n")
    if passed != records.count { throw ExitCode(1) }
  }

  private func writeReport(_ records: [VerifyCase.Record], to path: String) throws(EngineError) {
    var text = "[\n"
    for (i, r) in records.enumerated() {
      if i > 0 { text += ",\n" }
      text += "{\"case\":\(jsonString(r.path)),\"passed\":\(r.passed),"
      text += "\"milliseconds\":\(fixed(r.milliseconds, 3)),\"reason\":\(jsonString(r.reason))}"
    }
    try writeFile(text + "\n]\n", to: path)
  }
}

/// One model of the ONNX test layout.
struct VerifyCase {
  struct Record {
    let path: String
    let passed: Bool
    /// Why it failed, or how it passed if not by equal numbers.
    let reason: String
    let milliseconds: Double
  }
  let path: String
  let options: SessionOptions
  let timeout: Double
  /// Threads of a second run that must give the same bits; nil for none.
  var otherThreads: Int?

  /// Folders below `folder` that hold a `model.onnx`, sorted.
  static func find(below folder: String, into list: inout [String]) {
    var names: [String] = []
    guard let dir = opendir(folder) else { return }
    while let entry = readdir(dir) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    closedir(dir)
    if names.contains("model.onnx") { list.append(folder) }
    for name in names.sorted() where !name.hasPrefix("test_data_set") {
      let path = folder + "/" + name
      var info = stat()
      if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR {
        find(below: path, into: &list)
      }
    }
  }

  func run() -> Record {
    let start = nanoseconds()
    var passed = true
    var reason = ""
    do throws(EngineError) {
      reason = try check()
    } catch {
      passed = false
      reason = "\(error)"
    }
    return Record(
      path: path, passed: passed, reason: reason,
      milliseconds: Double(nanoseconds() - start) / 1e6)
  }

  /// Says which outputs were compared by shape, element type and range only; "" for none.
  private func check() throws(EngineError) -> String {
    var remarks: [String] = []
    var random: RandomOutputs?
    let tolerance = try Tolerance(file: path + "/tol.json")
    let model = try ONNXReader.read(contentsOf: path + "/model.onnx")
    let session = try Session(model, options: options)
    var other: Session?
    if let otherThreads {
      var changed = options
      changed.threads = otherThreads
      other = try Session(model, options: changed)
    }
    var sets = 0
    while true {
      let folder = "\(path)/test_data_set_\(sets)"
      guard access(folder, R_OK) == 0 else { break }
      var inputs: [String: Value] = [:]
      // Old models list their weights among the inputs; the files are for the others.
      let required = session.inputs.filter { !$0.isOptional }
      let hasMore = access("\(folder)/input_\(required.count).pb", R_OK) == 0
      for (i, port) in (hasMore ? session.inputs : required).enumerated() {
        let file = "\(folder)/input_\(i).pb"
        guard access(file, R_OK) == 0 else { continue }
        inputs[port.name] = try TensorProtoFile.read(file, expecting: port.type)
      }
      let outputs = try session.run(values: inputs, control: RunControl(seconds: timeout))
      if let other {
        let again = try other.run(values: inputs, control: RunControl(seconds: timeout))
        for (i, port) in session.outputs.enumerated()
        where !haveSameBits(outputs.values[i], again.values[i]) {
          if random == nil { random = try RandomOutputs(model) }
          if random?.makers[i] != nil { continue }
          throw EngineError(
            .value, "output '\(port.name)' changes with the number of threads")
        }
      }
      for (i, port) in session.outputs.enumerated() {
        let file = "\(folder)/output_\(i).pb"
        guard access(file, R_OK) == 0 else { continue }
        let want = try TensorProtoFile.read(file, expecting: port.type)
        guard let difference = tolerance.difference(outputs.values[i], want) else { continue }
        if random == nil { random = try RandomOutputs(model) }
        guard let random, let maker = random.makers[i] else {
          throw EngineError(.value, "output '\(port.name)': \(difference)")
        }
        if let contradiction = RandomOutputs.contradiction(outputs.values[i], want) {
          throw EngineError(.value, "output '\(port.name)' of \(maker): \(contradiction)")
        }
        remarks.append(
          "output '\(port.name)' is drawn by \(maker): compared by element type, shape and range")
      }
      sets += 1
    }
    if sets == 0 {
      throw EngineError(.inputMissing, "no test_data_set_0 beside the model")
    }
    return remarks.joined(separator: "; ")
  }
}
