import Graphs
import Operators
import Tensors

/// A graph that runs node by node, recorded where gradients are taken.
final class ImportedGraph {
  private(set) var graph: Graph
  var parameters: [ValueID: Parameter] = [:]
  var states: [ValueID: StateTensor] = [:]
  /// Initialisers that a replaced node alone used.
  private var forgotten: Set<String> = []
  /// Weights that the file makes with a node, as the node makes them.
  private(set) var filled: [ValueID: Tensor] = [:]

  /// - `mayFill`: names of values whose `ConstantOfShape` may become an initialiser.
  init(
    _ graph: Graph, _ lookup: OperatorLookup, mayFill: Set<String> = []
  ) throws(EngineError) {
    var bound = graph
    try bound.inferFacts(using: lookup, options: .lenient)
    for i in bound.nodes.indices {
      do throws(EngineError) {
        bound.nodes[i].op = try lookup.bind(bound.nodes[i])
      } catch {
        throw error.at(node: bound.nodeName(i), operatorName: bound.nodes[i].type)
      }
    }
    self.graph = bound
    try fill(mayFill)
  }

  /// Takes the floats that a `ConstantOfShape` makes of a constant shape as initialisers: files
  /// without weights hold them so, and they train like others.
  private func fill(_ names: Set<String>) throws(EngineError) {
    let constants = Dictionary(
      graph.initializers.map { ($0.id, $0.tensor) }, uniquingKeysWith: { a, _ in a })
    var kept: [Graph.Node] = []
    for (i, node) in graph.nodes.enumerated() {
      guard let op = node.op as? ConstantOfShape, op.value.tensor.dtype.isFloat,
        let shape = node.inputs.first ?? nil, let sizes = constants[shape],
        let result = node.outputs.first ?? nil,
        names.contains(graph.name(result)), sizes.count > 0
      else {
        kept.append(node)
        continue
      }
      do throws(EngineError) {
        let made = try Eager().evaluate(op, [.tensor(sizes)], outputs: 1, runner: nil)
        guard let tensor = try made.first??.asTensor() else { continue }
        filled[result] = tensor
        graph.initializers.append((result, tensor))
      } catch { throw error.at(node: graph.nodeName(i), operatorName: node.type) }
    }
    graph.nodes = kept
  }

  /// The inputs that have no initialiser.
  var inputs: [ValueID] {
    let given = Set(graph.initializers.map(\.id))
    return graph.inputs.filter { !given.contains($0) }
  }

  /// Running means and variances of batch normalisations.
  var moments: Set<ValueID> {
    var found: Set<ValueID> = []
    for node in graph.nodes where node.op is BatchNormalization && node.inputs.count > 4 {
      found.formUnion([node.inputs[3], node.inputs[4]].compactMap { $0 })
    }
    return found
  }

  func isForgotten(_ name: String) -> Bool { forgotten.contains(name) }

  /// Takes all but the first input from node `i`, and forgets what nobody else uses.
  func cut(_ i: Int) {
    let own = Set(graph.nodes[i].inputs.dropFirst().compactMap { $0 })
    graph.nodes[i].inputs = Array(graph.nodes[i].inputs.prefix(1))
    graph.nodes[i].captured = []
    let used = Set(graph.nodes.flatMap { $0.inputs.compactMap { $0 } + $0.captured })
    for id in own.subtracting(used) { forgotten.insert(graph.name(id)) }
  }

  func run(_ inputs: [ValueID: Tensor], _ layers: [Int: Layer]) throws -> [Tensor] {
    var known: [ValueID: Value] = [:]
    for (id, t) in graph.initializers {
      known[id] = .tensor(parameters[id]?.value ?? states[id]?.value ?? t)
    }
    for (id, t) in inputs { known[id] = .tensor(t) }
    var runner = ImportedRun(states: states, layers: layers)
    return try runner.run(graph, known).map { (value) throws(EngineError) in
      try value.asTensor()
    }
  }
}
