import ArgumentParser
import Compiler
import DLRun
import Formats
import Glibc
import Runtime
import Tensors

/// `dlrun compile`: a model made ready for this machine, in one file.
struct Compile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compiles a model for this machine, into a file that loads at once.",
    discussion: """
      The file holds the optimised graph and the weights as the kernels of this machine's \
      instruction set read them; it is mapped, and processes share its memory. All commands and \
      interfaces take it in place of the model. It is refused, with the reason, on a machine with \
      another instruction set, by another version of dlrun, and when the model beside it has \
      changed since.

      Sizes that the model leaves open are 1 unless --shape says else. Other sizes run as well; \
      weights that their kernels want in another form are packed when they first run. Weights take \
      no more memory than in the model, unless --fast lets convolutions keep larger forms that run \
      faster. --optimize, --exact and --fast hold for all uses of the file. `dlrun check` compares its weights with their \
      checksum.

      Example: dlrun compile resnet50.onnx -o resnet50.dlc
               dlrun compile bert.onnx -o bert.dlc --shape input_ids=1x128 --shape mask=1x128
               dlrun bench resnet50.dlc
      """)

  @Argument(help: "An ONNX model.", completion: .file()) var model: String
  @Option(name: .shortAndLong, help: "Where to save the compiled model.", completion: .file())
  var output: String
  @Option(help: "Sizes of an input, as name=1x3x224x224. May be given for several inputs.")
  var shape: [ShapeArgument] = []
  @Option(help: "How much the graph may be changed: none, basic or all.")
  var optimize: OptimizationLevel = .all
  @Flag(help: "Only kernels as accurate as plain summation.") var exact = false
  @Flag(help: "Keep forms of weights that are larger than the weights, where they are faster.")
  var fast = false
  @Flag(help: "Print as JSON.") var json = false

  func run() throws {
    let start = nanoseconds()
    let summary = try Model.compile(
      contentsOf: model, to: output, shapes: try shapes(),
      options: SessionOptions(
        threads: 1, optimization: optimize, exact: exact, compact: !fast))
    let milliseconds = Double(nanoseconds() - start) / 1e6
    var status = stat()
    let fileBytes = stat(output, &status) == 0 ? Int(status.st_size) : 0
    if json {
      writeOutput(
        JSONWriter.string(
          of: [
            "model": .string(model), "output": .string(output),
            "instruction_set": .string(summary.instructionSet),
            "inputs": .array(
              summary.inputs.map { ["name": .string($0.name), "type": .string("\($0.type)")] }),
            "nodes": .int(Int64(summary.nodes)),
            "weight_bytes": .int(Int64(summary.weightBytes)),
            "packed_bytes": .int(Int64(summary.packedBytes)),
            "packed_forms": .int(Int64(summary.packedForms)),
            "file_bytes": .int(Int64(fileBytes)), "milliseconds": .double(milliseconds),
          ], pretty: true))
      return
    }
    let inputs = summary.inputs.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
    writeOutput(
      """
      \(Terminal.bold(output)), \(readable(bytes: fileBytes)), for \(summary.instructionSet)
      inputs   \(inputs.isEmpty ? "none" : inputs)
      graph    \(grouped(summary.nodes)) nodes at level \(optimize)
      weights  \(readable(bytes: summary.packedBytes)) packed in \(grouped(summary.packedForms)) \
      forms, \(readable(bytes: summary.weightBytes)) plain
      time     \(fixed(milliseconds, 0)) ms

      """)
  }

  /// Shapes by the name of their input.
  ///
  /// Errors: `.usage` for two shapes of one input, or a shape without a name in a model of several
  /// inputs.
  private func shapes() throws(EngineError) -> [String: Shape] {
    var result: [String: Shape] = [:]
    for argument in shape {
      var name = argument.name
      if name == nil {
        let graph = try ModelFile.read(contentsOf: model).graph
        let defaults = Set(graph.initializers.map(\.id))
        let names = graph.inputs.filter { !defaults.contains($0) }.map { graph.name($0) }
        guard names.count == 1 else {
          throw EngineError(
            .usage, "--shape names no input", expected: "one of \(names.joined(separator: ", "))")
        }
        name = names[0]
      }
      guard let name, result.updateValue(try Shape(checking: argument.sizes), forKey: name) == nil
      else { throw EngineError(.usage, "--shape is given twice for one input") }
    }
    return result
  }
}
