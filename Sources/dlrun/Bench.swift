import ArgumentParser
import Formats
import Glibc
import Graphs
import Runtime
import Tensors

/// `dlrun bench`: how fast a model runs here.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures latency, throughput, load time and memory of a model.",
    discussion: """
      Inputs are made up unless --inputs gives them; open sizes are 1 unless --shape says else.

      Example: dlrun bench resnet50.onnx --threads 2 --runs 50 --shape x=1x3x224x224
      """)

  @Argument(help: "An ONNX model.", completion: .file()) var model: String
  @OptionGroup var session: SessionArguments
  @Option(help: "Timed runs; default: as many as fit in 3 seconds, at least 10.") var runs: Int?
  @Option(help: "Runs before timing starts.") var warmup = 3
  @Option(help: "Sizes of an input, as name=1x3x224x224. May be given several times.")
  var shape: [ShapeArgument] = []
  @Option(help: "A file with the inputs.", completion: .file()) var inputs: String?
  @Flag(help: "Time each operator.") var layers = false
  @Flag(help: "Print figures as JSON.") var json = false

  func validate() throws {
    if let runs, runs < 1 { throw ValidationError("--runs must be at least 1, received \(runs)") }
    if warmup < 0 { throw ValidationError("--warmup must not be negative, received \(warmup)") }
  }

  func run() throws {
    let start = nanoseconds()
    let file = try ONNXReader.read(contentsOf: model)
    let session = try inFile(model) { () throws(EngineError) in
      try Session(file, options: self.session.options)
    }
    let load = Double(nanoseconds() - start) / 1e6
    let values = try inFile(model) { () throws(EngineError) in
      if let inputs {
        return try InputFiles(arguments: [inputs]).values(for: session)
      }
      return try SyntheticInputs(shapes: shape).make(for: session).mapValues { Value.tensor($0) }
    }
    let firstStart = nanoseconds()
    _ = try inFile(model) { () throws(EngineError) in try session.run(values: values) }
    let first = Double(nanoseconds() - firstStart) / 1e6
    for _ in 0..<warmup { _ = try session.run(values: values) }
    var samples: [Double] = []
    let begin = nanoseconds()
    while samples.count < (runs ?? 10)
      || (runs == nil && nanoseconds() - begin < 3_000_000_000 && samples.count < 100_000)
    {
      let t = nanoseconds()
      _ = try session.run(values: values)
      samples.append(Double(nanoseconds() - t) / 1e6)
    }
    samples.sort()
    func quantile(_ q: Double) -> Double { samples[Int(Double(samples.count - 1) * q + 0.5)] }
    let total = samples.reduce(0, +)
    let memory = peakResidentBytes()
    if json {
      writeOutput(
        """
        {"model":\(jsonString(model)),"threads":\(session.threads),"runs":\(samples.count),\
        "load_ms":\(fixed(load, 3)),"first_ms":\(fixed(first, 3)),"min_ms":\(fixed(samples[0], 4)),\
        "median_ms":\(fixed(quantile(0.5), 4)),"p90_ms":\(fixed(quantile(0.9), 4)),\
        "p99_ms":\(fixed(quantile(0.99), 4)),\
        "runs_per_second":\(fixed(Double(samples.count) / total * 1000, 2)),\
        "peak_resident_bytes":\(memory)}

        """)
    } else {
      writeOutput(
        """
        \(Terminal.bold(model)), \(session.threads) threads, \(samples.count) runs
        latency     min \(fixed(samples[0], 3)) ms, median \(fixed(quantile(0.5), 3)) ms, \
        p90 \(fixed(quantile(0.9), 3)) ms, p99 \(fixed(quantile(0.99), 3)) ms
        throughput  \(fixed(Double(samples.count) / total * 1000, 1)) runs per second
        load        \(fixed(load, 1)) ms, first run \(fixed(first, 1)) ms
        memory      \(readable(bytes: memory)) at most resident

        """)
    }
    if layers { try printLayers(session, values, min(samples.count, 20)) }
  }

  /// Mean time of each node over some runs, the slowest first.
  private func printLayers(
    _ session: Session, _ values: [String: Value], _ runs: Int
  ) throws(EngineError) {
    let profiler = Profiler()
    for _ in 0..<runs { _ = try session.run(values: values, profiler: profiler) }
    struct Row {
      var event: Profiler.Event
      var nanoseconds: UInt64
    }
    var rows: [String: Row] = [:]
    var order: [String] = []
    for e in profiler.events {
      let key = e.node + "\u{0}" + e.operatorName + e.output
      if rows[key] == nil { order.append(key) }
      rows[key, default: Row(event: e, nanoseconds: 0)].nanoseconds += e.duration
    }
    let total = max(1, rows.values.reduce(0) { $0 + $1.nanoseconds })
    var table = Table(["ms", "share", "operator", "node", "output", "kernel"], right: [0, 1])
    let sorted = order.compactMap { rows[$0] }.sorted { $0.nanoseconds > $1.nanoseconds }
    for row in sorted {
      table.add([
        fixed(Double(row.nanoseconds) / Double(runs) / 1e6, 4),
        fixed(Double(row.nanoseconds) / Double(total) * 100, 1) + " %", row.event.operatorName,
        row.event.node, row.event.output, row.event.kernel,
      ])
    }
    writeOutput("\n" + table.text)
  }
}

/// The most memory the process has had resident, in bytes.
func peakResidentBytes() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}

/// Runs `body`, naming `file` in errors that name none.
func inFile<T>(_ file: String, _ body: () throws(EngineError) -> T) throws(EngineError) -> T {
  do throws(EngineError) { return try body() } catch { throw error.at(file: file) }
}
