import Formats
import Graphs
import Runtime
import Tensors

/// What compiling a model made.
public struct CompilationSummary: Sendable {
  public let instructionSet: String
  /// The input types that kernels were chosen and weights packed for.
  public let inputs: [(name: String, type: TensorType)]
  /// Nodes left in the graph.
  public let nodes: Int
  /// Bytes of the compiled graph's weights as they are.
  public let weightBytes: Int
  /// Bytes and number of their packed forms.
  public let packedBytes: Int
  public let packedForms: Int
}

extension ModelGraph {
  /// Compiles the model in `path` and writes it to `output`, a file that holds the optimised graph
  /// and the weights as this machine's kernels read them. Loading it is a map: nothing is optimised,
  /// packed or copied, and processes share its pages. Everything that reads a model reads it; see
  /// <doc:CompiledModels>.
  ///
  /// - `shapes`: sizes of inputs that the model leaves open; without them open sizes are 1. Other
  ///   sizes run as well: what their kernels lack is packed when it is first used.
  /// - `options`: level and `exact` hold for all sessions of the compiled model.
  ///
  /// Errors: those of reading and of sessions; `.usage` for a model that is compiled already and for
  /// shapes that name no input; `.shape` for those that do not fit; `.unsupported` for an input
  /// whose type is not known; `.cannotCreate`, `.io`.
  @discardableResult
  public static func compile(
    contentsOf path: String, to output: String, shapes: [String: Shape] = [:],
    options: SessionOptions = .init()
  ) throws(EngineError) -> CompilationSummary {
    do throws(EngineError) {
      let model = try ModelFile.read(contentsOf: path)
      let session = try Session(model, options: options)
      for name in shapes.keys where !session.inputs.contains(where: { $0.name == name }) {
        throw EngineError(
          .usage, "a shape is given for '\(name)', which is no input",
          expected: session.inputs.map { "'\($0.name)'" }.joined(separator: ", "))
      }
      var types: [String: TensorType] = [:]
      for port in session.inputs where !port.isOptional || shapes[port.name] != nil {
        var sizes = shapes[port.name]?.array
        guard case .tensor(let dtype?, let dims) = port.type else {
          throw EngineError(
            .unsupported, "input '\(port.name)' is no tensor: \(port.type.text)")
        }
        if sizes == nil, let dims { sizes = dims.map { $0.known ?? 1 } }
        guard let sizes else {
          throw EngineError(
            .unsupported, "the rank of input '\(port.name)' is not known", hint: "give its shape")
        }
        types[port.name] = TensorType(dtype, try Shape(checking: sizes))
      }
      let compiled = try session.compiled(for: types, of: model)
      var parts = compiled.parts
      parts.source = ModelFile.source(at: path)
      parts.source.digest = try ModelDigest.of(model)
      try CompiledWriter.write(compiled.model, parts, to: output)
      return CompilationSummary(
        instructionSet: parts.instructionSet, inputs: parts.inputs,
        nodes: compiled.model.graph.nodes.count,
        weightBytes: GraphStatistics(compiled.model.graph).parameterBytes,
        packedBytes: parts.packed.reduce(0) { $0 + $1.bytes.byteCount },
        packedForms: parts.packed.count)
    } catch { throw error.at(file: path) }
  }
}
