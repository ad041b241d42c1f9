import ArgumentParser
import Formats
import Graphs
import Operators
import Tensors

/// `dlrun check`: every fault of a model, with its place.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say every fault of a model, with its place.",
    discussion: """
      Checks what loading a model checks: its bytes, names, the order of nodes, operators and
      their attributes, and that declared types agree with what follows from the inputs.
      Exit status 0 when there is no fault.

      Example: dlrun check resnet.onnx
      """)

  @Argument(help: "The model: .onnx, .pb, or one of these with .gz.")
  var model: String

  @Flag(help: "Report as JSON.")
  var json = false

  func run() throws {
    var nodes = 0
    var faults: [EngineError] = []
    do throws(EngineError) {
      let graph = try ONNXReader.read(contentsOf: model)
      nodes = graph.graph.nodes.count
      faults = Check.faults(of: graph).map { $0.at(file: model) }
    } catch {
      // Without a file there is nothing to check.
      if error.code == .inputMissing || !json { throw error }
      faults = [error]
    }
    if json {
      writeOutput(report(nodes, faults).text() + "\n")
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

  private func report(_ nodes: Int, _ faults: [EngineError]) -> JSONText {
    .object([
      ("model", .string(model)),
      ("nodes", .int(nodes)),
      (
        "faults",
        .array(
          faults.map { f in
            .object([
              ("code", .string(f.code.rawValue)), ("node", .string(f.subject.node)),
              ("operator", .string(f.subject.operatorName)), ("offset", .int(f.subject.offset)),
              ("message", .string(f.message)), ("expected", .string(f.expected)),
              ("received", .string(f.received)), ("hint", .string(f.hint)),
            ])
          })
      ),
    ])
  }
}
