import ArgumentParser
import Compiler
import Formats
import Glibc
import Graphs
import Operators
import Runtime
import Tensors

/// `dlrun optimize`: what the compiler makes of a model, saved, checked and explained.
struct Optimize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rewrites a model and saves it as ONNX that other runtimes load.",
    discussion: """
      At level basic, operators of the ONNX standard in the model's own opset remain; at level all,
      newer ones as well, and those of com.microsoft, which ONNX Runtime loads. --verify runs the \
      graph before and after each pass and ends with status 1 where a result differs by more than \
      --tolerance, relative to its largest element.

      Example: dlrun optimize resnet.onnx -o resnet-fast.onnx --level basic --verify
               dlrun optimize gpt2.onnx --level all --explain
               dlrun optimize --list
      """)

  @Argument(help: "An ONNX model.", completion: .file()) var model: String?
  @Option(name: .shortAndLong, help: "Where to save; .gz compresses.", completion: .file())
  var output: String?
  @Option(help: "How much may be changed: basic or all.") var level: OptimizationLevel = .basic
  @Flag(help: "Say of every pass what it looks for, what it makes and why it is right.")
  var list = false
  @Flag(help: "Run the graph before and after each pass and report differences.")
  var verify = false
  @Flag(help: "Say of every node what happened to it, and what almost did.") var explain = false
  @Option(help: "Sizes of an input for --verify, as name=1x3x224x224.")
  var shape: [ShapeArgument] = []
  @Option(help: "A file with the inputs for --verify; default: made-up ones.", completion: .file())
  var inputs: String?
  @Option(help: "Largest relative difference that counts as equal.") var tolerance = 1e-4
  @Flag(help: "Only rewrites as accurate as plain summation.") var exact = false
  @Flag(help: "Take weights as fixed that a caller could replace, being inputs too.")
  var freeze = false
  @Flag(help: "Print as JSON.") var json = false

  func validate() throws {
    if list { return }
    guard model != nil else { throw ValidationError("name a model, or --list") }
    guard level > .none else { throw ValidationError("--level must be basic or all") }
    guard output != nil || verify || explain else {
      throw ValidationError("say where to save with -o, or ask for --verify or --explain")
    }
    guard tolerance >= 0 else { throw ValidationError("--tolerance must not be negative") }
    guard verify || (inputs == nil && shape.isEmpty) else {
      throw ValidationError("--inputs and --shape are for --verify")
    }
  }

  func run() throws {
    if list {
      writeOutput(PassList(json: json).text)
      return
    }
    guard let model else { return }
    var file = try ModelFile.read(contentsOf: model)
    guard file.compiled == nil else {
      throw EngineError(
        .usage, "the model is compiled", expected: "the model it was compiled from",
        subject: .init(file: model))
    }
    if freeze { file.graph.fixWeights() }
    var isRight = true
    var parts: [(String, JSONValue)] = [("model", .string(model)), ("level", .string("\(level)"))]
    // What is only looked at runs as a session would run it.
    let options = PassOptions(
      level: level, exact: exact, lastStage: output == nil ? .layout : .fusing,
      includesSubgraphs: true)
    if verify {
      let trial = try inFile(model) { () throws(EngineError) in
        try PassTrial(file, options, shapes: shape, inputs: inputs)
      }
      isRight = trial.largest <= tolerance
      parts.append(("passes", trial.json))
      if !json { writeOutput(trial.text(tolerance)) }
    }
    let log = explain ? RewriteLog() : nil
    if let output {
      var optimizer = Optimizer(options)
      optimizer.log = log
      let before = file
      let saved = try inFile(model) { () throws(EngineError) in try optimizer.saved(before) }
      try write(saved, to: output)
      let summary = SavingSummary(before: file, after: saved, from: model, to: output)
      if let log { parts.append(("nodes", show(NodeHistory(file, saved.graph, log)))) }
      parts.append(("saved", summary.json))
      if !json { writeOutput((verify || explain ? "\n" : "") + summary.text) }
    } else if let log {
      var optimizer = Optimizer(options)
      optimizer.log = log
      let result = try inFile(model) { () throws(EngineError) in
        let lookup = Registry.lookup(for: file)
        let plain = try file.inliningFunctions(using: lookup)
        return try optimizer.run(plain.graph, using: Registry.lookup(for: plain))
      }
      parts.append(("nodes", show(NodeHistory(file, result, log))))
    }
    if json { writeOutput(JSONWriter.string(of: .object(JSONObject(parts)), pretty: true)) }
    if !isRight { throw ExitCode(1) }
  }

  /// Prints the history, unless everything is printed as JSON at the end.
  private func show(_ history: NodeHistory) -> JSONValue {
    if !json { writeOutput((verify ? "\n" : "") + history.text) }
    return history.json
  }

  private func write(_ model: ModelGraph, to path: String) throws(EngineError) {
    // One file holds less than 2 GiB.
    let weights = GraphStatistics(model.graph).parameterBytes
    let threshold = weights > 1 << 30 ? 1 << 16 : nil
    try ONNXWriter.write(model, to: path, options: .init(externalThreshold: threshold))
  }
}

extension Graph {
  /// Takes initializers off the list of inputs.
  fileprivate mutating func fixWeights() {
    let weights = Set(initializers.map(\.id))
    inputs.removeAll { weights.contains($0) }
  }
}

extension JSONObject {
  init(_ members: [(String, JSONValue)]) {
    self.init()
    for (key, value) in members where self[key] == nil { append(key, value) }
  }
}
