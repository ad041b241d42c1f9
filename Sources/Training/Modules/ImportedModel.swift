import Formats
import Graphs
import Operators
import Tensors

/// A model read from a file, as a module that trains.
///
/// Initialisers of floats become parameters under their own names; running means and variances of
/// batch normalisation become states. Scalars, which exporters leave behind from arithmetic, are
/// frozen until they are asked for. Floats that a `ConstantOfShape` fills are parameters as well, and
/// are written as the node again as long as they are unchanged. In training batch normalisation uses the batch and moves its
/// states, and dropout drops. `If`, `Loop` and `Scan` run step by step and sequences are Swift's own,
/// so gradients go through them; a `CompiledStep` refuses control flow that the batch decides.
///
/// ```swift
/// let model = try ImportedModel(contentsOf: "net.onnx")
/// model.freeze("features.*")
/// let (loss, gradients) = try valueAndGradient(of: model) { try $0([x])[0].mean() }
/// try model.write(to: "tuned.onnx")
/// ```
public final class ImportedModel: Module {
  /// The model as its file has it; what is written again, with the parameters' values.
  private let source: ModelGraph
  private let program: ImportedGraph
  private let table: [(label: String, value: Any)]
  private var replacements: [Int: Layer] = [:]
  private var labels: [Int: String] = [:]

  /// - Errors: those of reading and checking a model.
  public convenience init(contentsOf path: String) throws {
    try self.init(ModelFile.read(contentsOf: path))
  }

  /// - Errors: `.invalidModel`, `.unsupported`, `.attribute` for nodes that no operator fits.
  public init(_ model: ModelGraph) throws {
    source = model
    let flat = try model.inliningFunctions(
      using: OperatorSet.builtIn.lookup(opsets: model.opsets))
    let graph = try ImportedGraph(
      flat.graph, OperatorSet.builtIn.lookup(opsets: flat.opsets),
      mayFill: Set(
        model.graph.nodes.flatMap { node in
          node.type == "ConstantOfShape" && node.domain.isEmpty
            ? node.outputs.compactMap { $0.map { model.graph.name($0) } } : []
        }))
    let moments = graph.moments
    var parts: [(label: String, value: Any)] = []
    for (id, tensor) in graph.graph.initializers where tensor.dtype.isFloat {
      let name = graph.graph.name(id)
      if moments.contains(id) {
        let state = StateTensor(try tensor.owned(), name: name)
        graph.states[id] = state
        parts.append((name, state))
      } else {
        let isTrainable = tensor.shape.rank > 0
        let parameter = Parameter(try tensor.owned(), name: name, isTrainable: isTrainable)
        graph.parameters[id] = parameter
        parts.append((name, parameter))
      }
    }
    program = graph
    table = parts
    super.init()
  }

  public override var parts: [(label: String, value: Any)]? {
    table.filter { !program.isForgotten($0.label) }
      + replacements.keys.sorted().compactMap { i in
        replacements[i].map { (labels[i] ?? "\(i)", $0 as Any) }
      }
  }

  /// The inputs that a caller gives, in order.
  public var inputNames: [String] { program.inputs.map { program.graph.name($0) } }
  public var outputNames: [String] { program.graph.outputs.map { program.graph.name($0) } }

  /// Runs the model on its inputs in order; its outputs in order.
  ///
  /// - Errors: `.arity` for another number of inputs; what the operators throw, with the node.
  public func callAsFunction(_ inputs: [Tensor]) throws -> [Tensor] {
    let wanted = program.inputs
    guard inputs.count == wanted.count else {
      throw EngineError(
        .arity, "the model takes another number of inputs",
        expected: "\(wanted.count): \(inputNames.joined(separator: ", "))",
        received: "\(inputs.count)")
    }
    return try scoped {
      try program.run(Dictionary(uniqueKeysWithValues: zip(wanted, inputs)), replacements)
    }
  }

  /// Runs the model on inputs by name; its outputs by name.
  public func callAsFunction(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
    var list: [Tensor] = []
    for name in inputNames {
      guard let t = inputs[name] else {
        throw EngineError(
          .inputMissing, "input '\(name)' is missing",
          received: inputs.keys.sorted().joined(separator: ", "))
      }
      list.append(t)
    }
    return Dictionary(zip(outputNames, try self(list)), uniquingKeysWith: { a, _ in a })
  }

  /// Lets `layer` stand for a node, such as the last one before training on other classes: it gets
  /// the node's first input. Parameters that only the node used are forgotten; the layer's stand
  /// under the node's name.
  ///
  /// - Errors: `.usage` with the nearest names when there is no such node.
  public func replace(_ node: String, with layer: Layer) throws {
    let names = program.graph.nodes.indices.map { program.graph.nodeName($0) }
    guard let i = names.firstIndex(of: node) else {
      throw EngineError(
        .usage, "the model has no node '\(node)'",
        expected: nearest(node, to: names).joined(separator: ", "))
    }
    program.cut(i)
    replacements[i] = layer
    labels[i] = node
    structureChanged()
  }

  /// The model of the file with the parameters and states as they are now.
  ///
  /// - Errors: `.unsupported` after `replace`, which leaves what no file says: use `exportONNX`.
  public func modelGraph() throws(EngineError) -> ModelGraph {
    guard replacements.isEmpty else {
      throw EngineError(
        .unsupported, "a model with replaced nodes has no file to go back to",
        hint: "write it with exportONNX")
    }
    var values: [String: Tensor] = [:]
    for (id, p) in program.parameters { values[program.graph.name(id)] = p.value.detached() }
    for (id, s) in program.states { values[program.graph.name(id)] = s.value.detached() }
    var made = source
    for i in made.graph.initializers.indices {
      let id = made.graph.initializers[i].id
      guard let now = values[made.graph.name(id)] else { continue }
      made.graph.initializers[i].tensor = now
    }
    for (id, original) in program.filled {
      let name = program.graph.name(id)
      guard let now = values[name], now.rawBytes.elementsEqual(original.rawBytes) == false,
        let i = made.graph.nodes.firstIndex(where: {
          ($0.outputs.first ?? nil).map { made.graph.name($0) } == name
        }), let value = made.graph.nodes[i].outputs.first ?? nil
      else { continue }
      made.graph.nodes.remove(at: i)
      made.graph.initializers.append((value, now))
    }
    return made
  }

  /// Writes the model as its file has it, with the parameters and states as they are now.
  ///
  /// - Errors: `.unsupported` as `modelGraph`; `.cannotCreate`, `.io`.
  public func write(to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(ONNXWriter.bytes(modelGraph()))
    try file.commit()
  }
}
