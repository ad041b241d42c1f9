import ArgumentParser
import Formats
import Glibc
import Graphs
import Quantization
import Runtime
import Tensors

extension QuantizationMode: ExpressibleByArgument {}
extension CalibrationMethod: ExpressibleByArgument {}
extension WeightFormat: ExpressibleByArgument {}
extension Labels.Metric: ExpressibleByArgument {}

/// `dlrun quantize`: a smaller model, and what it costs.
struct Quantize: ParsableCommand {
  enum Scales: String, EnumerableFlag { case perChannel, perTensor }

  static let configuration = CommandConfiguration(
    abstract: "Makes a model smaller and shows what that costs.",
    discussion: """
      Modes: static (int8, ranges of activations found on --calibration), dynamic (int8, ranges \
      found in each run; for matrix products rather than convolutions), weights8 and weights4 \
      (weights alone), fp16 and bf16 (weights alone). The result is standard ONNX that other \
      runtimes load.

      Calibration, test rows and labels come from any file that `dlrun infer` reads. Accuracy is \
      measured on --test, or else on the calibration rows. Without labels the figures are those of \
      the outputs' error: dB of signal over noise, 20 dB being 10 %, 40 dB 1 %.

      Example: dlrun quantize digits.onnx -o digits-int8.onnx --mode static \\
                 --calibration train.npz --test test.npz --target labels
               dlrun quantize iris.onnx -o iris-int8.onnx --mode static \\
                 --calibration iris.csv --target species --max-drop 0.01
               dlrun quantize gpt2.onnx -o gpt2-4bit.onnx --mode weights4 --gptq \\
                 --calibration ids.npz
      """)

  @Argument(help: "An ONNX model in float32.", completion: .file()) var model: String
  @Option(name: .shortAndLong, help: "Where to save; .gz compresses.", completion: .file())
  var output: String
  @Option(help: "dynamic, static, weights4, weights8, fp16 or bf16.") var mode: QuantizationMode
  @Option(
    parsing: .singleValue,
    help: "Rows to calibrate on: FILE, or name=FILE for each input.", completion: .file())
  var calibration: [String] = []
  @Option(
    help: "How ranges are chosen: minmax (default), average, percentile, entropy or mse.")
  var method: CalibrationMethod?
  @Option(help: "Percent of the elements that stay in range, for --method percentile (99.99).")
  var percentile: Double?
  @Flag(help: "Scales of weights: for each output channel (default), or one for all.")
  var scales: Scales = .perChannel
  @Flag(
    help: "Activations in int8 around zero instead of uint8; 4-bit weights without zero points.")
  var symmetric = false
  @Option(help: "Layers to leave in float, separated by commas; * stands for any text.")
  var exclude: [String] = []
  @Option(help: "Weights that share a scale in weights4 and weights8: 16, 32 (default), 64, ...")
  var block: Int?
  @Option(help: "How weights in blocks are written: qdq (standard ONNX, default) or matmulnbits.")
  var format: WeightFormat?
  @Flag(help: "Round weights in blocks by GPTQ, using --calibration.") var gptq = false
  @Option(help: "Move outliers of activations into weights (SmoothQuant), 0 to 1: 0.5.")
  var smooth: Double?
  @Flag(help: "Take the mean error of rounded weights into biases.") var biasCorrection = false
  @Flag(help: "Quantise products of two activations as well, in mode static.")
  var attention = false
  @Option(help: "Loss allowed, as 0.01: layers that hurt most stay in float until it is met.")
  var maxDrop: Double?
  @Option(
    parsing: .singleValue, help: "Rows to measure on; default: those of --calibration.",
    completion: .file())
  var test: [String] = []
  @Option(help: "What the first output should be, row by row: a file of numbers.")
  var labels: String?
  @Option(help: "The column or array that holds the labels.") var target: String?
  @Option(help: "What is measured with labels: accuracy or mse.")
  var metric: Labels.Metric = .accuracy
  @Option(help: "Rows to run at once.") var batch = 8
  @Option(help: "Threads for a run; default: what affinity and cgroup quota allow.")
  var threads: Int?
  @Option(help: "Draw distributions and their ranges into this .svg file.") var report: String?
  @Flag(help: "List all layers, not the ten worst.") var layers = false
  @Flag(help: "Print figures as JSON.") var json = false

  func validate() throws {
    guard batch >= 1, batch <= 1 << 20 else {
      throw ValidationError("--batch must be 1 to \(1 << 20), received \(batch)")
    }
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be 1 to 1024, received \(threads)")
    }
    if let report, !report.hasSuffix(".svg") {
      throw ValidationError("--report must end in .svg, received \(report)")
    }
    try checkModes()
    let options = self.options
    if options.needsCalibration, calibration.isEmpty {
      let why =
        mode == .static ? "--mode static" : gptq ? "--gptq" : smooth != nil ? "--smooth" : ""
      throw ValidationError(
        "\(why.isEmpty ? "--bias-correction" : why) needs rows of inputs: --calibration FILE")
    }
    if maxDrop != nil, calibration.isEmpty, test.isEmpty {
      throw ValidationError("--max-drop needs rows to measure on: --calibration or --test FILE")
    }
    if labels != nil || target != nil, calibration.isEmpty, test.isEmpty {
      throw ValidationError("labels need rows of inputs: --calibration or --test FILE")
    }
  }

  /// Refuses what the mode has no use for.
  private func checkModes() throws {
    let isBlocked = mode == .weights4 || mode == .weights8
    let cases: [(isGiven: Bool, option: String, fits: Bool, modes: String)] = [
      (method != nil, "--method", mode == .static, "static"),
      (percentile != nil, "--percentile", mode == .static, "static"),
      (block != nil, "--block", isBlocked, "weights4 or weights8"),
      (format != nil, "--format", isBlocked, "weights4 or weights8"),
      (symmetric, "--symmetric", mode == .static || mode == .weights4, "static or weights4"),
    ]
    for c in cases where c.isGiven && !c.fits {
      throw ValidationError("\(c.option) plays no part in --mode \(mode): it is for \(c.modes)")
    }
    if percentile != nil, let method, method != .percentile {
      throw ValidationError("--percentile is for --method percentile, not \(method)")
    }
  }

  private var options: QuantizationOptions {
    var o = QuantizationOptions(mode: mode)
    o.method = method ?? (percentile == nil ? .minmax : .percentile)
    o.percentile = percentile ?? o.percentile
    o.perChannel = scales == .perChannel
    o.symmetric = symmetric
    o.exclude = exclude.flatMap { $0.split(separator: ",").map(String.init) }
    o.block = block ?? o.block
    o.format = format ?? o.format
    o.gptq = gptq
    o.smooth = smooth
    o.biasCorrection = biasCorrection
    o.attention = attention
    o.maxDrop = maxDrop
    return o
  }

  func run() throws {
    try options.check()
    let file = try ModelFile.read(contentsOf: model)
    let session = try inFile(model) { () throws(EngineError) in
      try Session(file, options: .init(threads: threads))
    }
    var quantizer = try inFile(model) { () throws(EngineError) in
      try Quantizer(file, options, threads: threads)
    }
    let source = QuantizeData(session: session, batch: batch, target: target)
    let rows = try calibration.isEmpty ? nil : source.rows(calibration)
    var tests = try test.isEmpty ? nil : source.rows(test)
    let isMadeUp = rows == nil && tests == nil
    if isMadeUp { tests = source.madeUp() }
    let wanted = try source.labels(
      file: labels, rows: test.isEmpty ? calibration : test, metric: metric)
    var progress = Progress()
    quantizer.progress = { p in
      progress.show(
        p.total.map { "\(p.stage): \(min(p.done, $0)) of \($0)" } ?? "\(p.stage): \(p.done) rows")
    }
    let made: QuantizedModel
    do { made = try quantizer.run(calibration: rows, test: tests, labels: wanted) } catch {
      progress.clear()
      if !error.isUnmetDrop { throw error }
      // All went well, but the answer is no.
      writeError("dlrun: \(error)\n")
      throw ExitCode(1)
    }
    progress.show("measuring latency")
    let example = try source.example(test.isEmpty ? calibration : test)
    let latency = try example.map { (inputs) throws(EngineError) in
      try LatencyPair(file, made.model, inputs, threads: threads)
    }
    progress.clear()
    try write(made.model)
    if let report { try writeFile(made.report.svg(title: model), to: report) }
    let text = QuantizeText(
      model: model, output: output, report: made.report, latency: latency,
      threads: session.threads, isMadeUp: isMadeUp, showsAll: layers)
    writeOutput(json ? text.json : text.text)
  }

  private func write(_ model: ModelGraph) throws(EngineError) {
    // One file holds less than 2 GiB.
    let bytes = GraphStatistics(model.graph).parameterBytes
    try ONNXWriter.write(
      model, to: output, options: .init(externalThreshold: bytes > 1 << 30 ? 1 << 16 : nil))
  }
}
