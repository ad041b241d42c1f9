import ArgumentParser
import Formats
import Graphs
import Operators
import Tensors

/// `dlrun check`: every fault of a model, with its place.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says every fault of a model, with its place.",
    discussion: """
      Checks what loading a model checks: its bytes, names, the order of nodes, operators and
      their attributes, and that declared types agree with what follows from the inputs; of a
      compiled model also the checksum of its weights, which loading it does not read.
      Exit status 0 when there is no fault.

      Example: dlrun check resnet.onnx
      """)

  @Argument(help: "The model: .onnx, .pb, one of these with .gz, or a compiled one.")
  var model: String

  @Flag(help: "Report as JSON.")
  var json = false

  func run() throws {
    var nodes = 0
    var faults: [EngineError] = []
    do throws(EngineError) {
      let graph = try ModelFile.read(contentsOf: model)
      nodes = graph.graph.nodes.count
      faults = Check.faults(of: graph).map { $0.at(file: model) }
      try ModelFile.verifyWeights(of: model)
    } catch {
      // Without a file there is nothing to check.
      if error.code == .inputMissing || !json { throw error }
      faults = [error]
    }
    if json {
      writeOutput(JSONWriter.string(of: report(nodes, faults), pretty: true))
    } else {
      for fault in faults { writeOutput(fault.description + "\n") }
      let number = faults.isEmpty ? "no" : "\(faults.count)"
      writeOutput("\(model): \(nodes) nodes, \(number) faults\n")
    }
    if let first = faults.first { throw ExitCode(first.code.exitStatus) }
  }

  /// Faults of structure; where there are none, those of operators and types.
  static func faults(of model: ModelGraph) -> [EngineError] {
    let lookup = Registry.lookup(for: model)
    let structural = model.faults(using: lookup)
    if !structural.isEmpty { return structural }
    do throws(EngineError) {
      var inlined = try model.inliningFunctions(using: lookup)
      return try inlined.inferFacts(
        using: Registry.lookup(for: inlined), options: InferenceOptions.lenient)
    } catch { return [error] }
  }

  private func report(_ nodes: Int, _ faults: [EngineError]) -> JSONValue {
    func text(_ s: String?) -> JSONValue { s.map { .string($0) } ?? .null }
    return [
      "model": .string(model), "nodes": .int(Int64(nodes)),
      "faults": .array(
        faults.map { f in
          [
            "code": .string(f.code.rawValue), "node": text(f.subject.node),
            "operator": text(f.subject.operatorName),
            "offset": f.subject.offset.map { .int(Int64($0)) } ?? .null,
            "message": .string(f.message), "expected": text(f.expected),
            "received": text(f.received), "hint": text(f.hint),
          ]
        }),
    ]
  }
}
