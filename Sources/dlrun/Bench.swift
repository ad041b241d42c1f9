import ArgumentParser
import Formats
import Glibc
import Graphs
import Kernels
import Runtime
import Tensors

/// `dlrun bench`: how fast a model runs here.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures latency, throughput, load time and memory of a model.",
    discussion: """
      Inputs are made up unless --inputs gives them; open sizes are 1 unless --shape says else.
      --layers first measures what the machine can do: multiplications with additions in \
      registers, and copying beyond the caches. --kernels does the same without a model, for \
      operators of every kind at sizes of real networks. --choices holds the ways that \
      convolutions take against all ways there are.

      Example: dlrun bench resnet50.onnx --threads 2 --runs 50 --shape x=1x3x224x224
      Example: dlrun bench --kernels --filter convolution --threads 1
      """)

  @Argument(help: "An ONNX model; none with --kernels.", completion: .file()) var model: String?
  @OptionGroup var session: SessionArguments
  @Option(help: "Timed runs; default: as many as fit in 3 seconds, at least 10.") var runs: Int?
  @Option(help: "Runs before timing starts.") var warmup = 3
  @Option(help: "Sizes of an input, as name=1x3x224x224. May be given several times.")
  var shape: [ShapeArgument] = []
  @Option(help: "A file with the inputs.", completion: .file()) var inputs: String?
  @Flag(help: "Time each operator: kernel, layout, speed and share of the machine's peak.")
  var layers = false
  @Flag(help: "Measure the kernels, not a model.") var kernels = false
  @Flag(help: "Measure how well ways of convolutions are chosen.") var choices = false
  @Option(help: "With --kernels: those whose family or size holds this text.") var filter: String?
  @Option(
    help: "Write a trace of some runs, for chrome://tracing or Perfetto.", completion: .file())
  var profile: String?
  @Flag(help: "Print figures as JSON.") var json = false

  func validate() throws {
    if let runs, runs < 1 { throw ValidationError("--runs must be at least 1, received \(runs)") }
    if kernels, choices { throw ValidationError("expected one of --kernels and --choices") }
    if (kernels || choices) != (model == nil) {
      throw ValidationError(
        model == nil
          ? "expected a model, --kernels or --choices" : "--kernels and --choices take no model")
    }
    if kernels || choices,
      layers || profile != nil || inputs != nil || !shape.isEmpty || runs != nil
    {
      throw ValidationError(
        "--kernels goes with --filter, --threads, --exact and --json only, --choices with "
          + "--threads and --json")
    }
    if filter != nil, !kernels { throw ValidationError("--filter goes with --kernels") }
    if warmup < 0 { throw ValidationError("--warmup must not be negative, received \(warmup)") }
  }

  func run() throws {
    if choices {
      let bench = try ChoiceBench(
        threads: session.threads ?? ThreadPool.defaultThreadCount)
      writeOutput(json ? JSONWriter.string(of: bench.json, pretty: true) : bench.text)
      return
    }
    guard let model else {
      let bench = try KernelBench(session.options, filter: filter)
      writeOutput(json ? JSONWriter.string(of: bench.json, pretty: true) : bench.text)
      return
    }
    try run(model)
  }

  private func run(_ model: String) throws {
    let start = nanoseconds()
    let file = try ModelFile.read(contentsOf: model)
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
    if file.compiled != nil { forgetStart(session, values) }
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
    let profiler = Profiler()
    var times: LayerTimes?
    if layers || profile != nil {
      let pool = session.threads == 1 ? .single : ThreadPool(threads: session.threads)
      times = try LayerTimes(
        session, values, runs: min(samples.count, 50),
        peak: layers ? MachinePeak(pool) : MachinePeak(flopsPerSecond: 0, bytesPerSecond: 0),
        profiler: profiler)
    }
    if let profile { try writeFile(profiler.chromeTrace(), to: profile) }
    if json {
      var members: [(String, JSONValue)] = [
        ("model", .string(model)), ("threads", .int(Int64(session.threads))),
        ("runs", .int(Int64(samples.count))), ("load_ms", .double(load)),
        ("first_ms", .double(first)),
        ("min_ms", .double(samples[0])), ("median_ms", .double(quantile(0.5))),
        ("p90_ms", .double(quantile(0.9))), ("p99_ms", .double(quantile(0.99))),
        ("runs_per_second", .double(Double(samples.count) / total * 1000)),
        ("peak_resident_bytes", .int(Int64(memory))),
      ]
      if layers, let times {
        members += [
          ("peak_gflops", .double(times.peak.flopsPerSecond / 1e9)),
          ("peak_byte_gops", .double(times.peak.byteOperationsPerSecond / 1e9)),
          ("peak_gigabytes_per_second", .double(times.peak.bytesPerSecond / 1e9)),
          ("layers", times.json),
        ]
      }
      writeOutput(
        JSONWriter.string(of: .object(JSONObject(members)), pretty: layers) + (layers ? "" : "\n"))
      return
    }
    writeOutput(
      """
      \(Terminal.bold(model)), \(session.threads) threads, \(samples.count) runs
      latency     min \(fixed(samples[0], 3)) ms, median \(fixed(quantile(0.5), 3)) ms, \
      p90 \(fixed(quantile(0.9), 3)) ms, p99 \(fixed(quantile(0.99), 3)) ms
      throughput  \(fixed(Double(samples.count) / total * 1000, 1)) runs per second
      load        \(fixed(load, 1)) ms, first run \(fixed(first, 1)) ms
      memory      \(readable(bytes: memory)) at most resident

      """)
    if layers, let times {
      let columns = Terminal.outputIsTerminal ? max(100, Terminal.width) : 100
      writeOutput("\n" + times.text(columns: columns))
    }
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
