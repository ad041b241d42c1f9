import Graphs
import Tensors

extension Graph {
  /// Puts the operators that compute it in the place of each Gradient node, by reverse-mode
  /// differentiation.
  ///
  /// Errors: those of `Gradient`, with the node's name.
  public mutating func expandGradients(using lookup: OperatorLookup) throws(EngineError) {
    func isGradient(_ node: Node) -> Bool {
      node.type == "Gradient" && node.domain == Gradient.schema.domain
    }
    guard nodes.contains(where: isGradient) else { return }
    // Gradient rules look at element types and sizes.
    try inferFacts(using: lookup, options: .lenient)
    var expansion = GradientExpansion(self)
    try expansion.emitAll()
    self = expansion.builder.graph
  }
}

/// One pass over a graph that emits its nodes in the order in which they depend on each other.
private struct GradientExpansion {
  let builder = GraphBuilder()
  private let nodes: [Graph.Node]
  private let names: [String]
  /// The node that makes a value, by the value.
  private var makers: [Int: Int] = [:]
  private var valueOfName: [String: ValueID] = [:]
  /// Nodes that are not there yet, being waited for, and done.
  private enum Mark { case open, waiting, done }
  private var marks: [Mark]

  init(_ graph: Graph) {
    nodes = graph.nodes
    names = graph.nodes.indices.map { graph.nodeName($0) }
    marks = [Mark](repeating: .open, count: graph.nodes.count)
    builder.graph = graph
    builder.graph.nodes = []
    for (i, node) in nodes.enumerated() {
      for case let id? in node.outputs { makers[id.index] = i }
    }
    for (i, v) in graph.values.enumerated() where !v.name.isEmpty {
      valueOfName[v.name] = ValueID(i)
    }
  }

  mutating func emitAll() throws(EngineError) {
    var open = Array(nodes.indices.reversed())
    while let i = open.last {
      switch marks[i] {
      case .done: open.removeLast()
      case .waiting:
        // What it waited for is there.
        open.removeLast()
        marks[i] = .done
        do throws(EngineError) {
          try emit(nodes[i])
        } catch { throw error.at(node: names[i], operatorName: nodes[i].type) }
      case .open:
        marks[i] = .waiting
        for need in needs(nodes[i]) {
          switch marks[need] {
          case .open: open.append(need)
          case .waiting:
            throw EngineError(
              .invalidModel, "a derivative depends on itself", subject: .init(node: names[i]))
          default: break
          }
        }
      }
    }
  }

  /// The nodes that must stand before `node`.
  private func needs(_ node: Graph.Node) -> [Int] {
    var values = node.inputs.compactMap { $0 } + node.captured
    if let op = node.op as? Gradient, let y = valueOfName[op.y] { values.append(y) }
    return values.compactMap { makers[$0.index] }
  }

  private mutating func emit(_ node: Graph.Node) throws(EngineError) {
    guard let op = node.op as? Gradient else {
      builder.graph.nodes.append(node)
      return
    }
    var independent: [ValueID] = []
    for name in op.xs + op.zs { independent.append(try value(name)) }
    var y = try value(op.y)
    var path = forwardPath(from: independent, to: y)
    var given: [ValueID] = []
    for (i, input) in node.inputs.enumerated() {
      guard let input else { throw EngineError(.arity, "input \(i) is missing") }
      given.append(input)
    }
    if given != independent { y = replay(&path, y, independent, given) }
    let xs = Array(given.prefix(op.xs.count))
    let derivatives = try differentiate(builder, path, seeds: [(y, ones(y))], by: xs)
    for (i, output) in node.outputs.enumerated() {
      guard let output, i < xs.count else { continue }
      let derivative =
        if let found = derivatives[xs[i]] { found } else { try zeros(builder, like: xs[i]) }
      var identity = Graph.Node(type: "Identity", inputs: [derivative], outputs: [output])
      identity.op = Identity()
      builder.graph.values[output.index].fact.type = builder.fact(of: xs[i]).type
      builder.graph.nodes.append(identity)
    }
  }

  private func value(_ name: String) throws(EngineError) -> ValueID {
    guard let id = valueOfName[name] else {
      throw EngineError(
        .invalidModel, "the graph has no value '\(name)'", expected: "a name of the main graph")
    }
    return id
  }

  /// The emitted nodes between the independent values and `y`, in order.
  private func forwardPath(from independent: [ValueID], to y: ValueID) -> [Int] {
    let list = builder.graph.nodes
    var wanted: Set<ValueID> = [y]
    var path: [Int] = []
    for i in list.indices.reversed() {
      let makes = list[i].outputs.contains { id in
        id.map { wanted.contains($0) && !independent.contains($0) } ?? false
      }
      guard makes else { continue }
      path.append(i)
      wanted.formUnion(list[i].inputs.compactMap { $0 })
      wanted.formUnion(list[i].captured)
    }
    return path.reversed()
  }

  /// Computes the path again with other values for the independent ones; the new `y`.
  private func replay(
    _ path: inout [Int], _ y: ValueID, _ independent: [ValueID], _ given: [ValueID]
  ) -> ValueID {
    var places: [ValueID: ValueID] = [:]
    for (a, b) in zip(independent, given) { places[a] = b }
    var again: [Int] = []
    for i in path {
      var node = builder.graph.nodes[i]
      node.name = ""
      node.inputs = node.inputs.map { $0.map { places[$0] ?? $0 } }
      node.captured = node.captured.map { places[$0] ?? $0 }
      for (k, id) in node.outputs.enumerated() {
        guard let id else { continue }
        let made = builder.graph.addValue("", builder.fact(of: id))
        places[id] = made
        node.outputs[k] = made
      }
      again.append(builder.graph.nodes.count)
      builder.graph.nodes.append(node)
    }
    path = again
    return places[y] ?? y
  }

  /// Ones of the shape of `value`.
  private func ones(_ value: ValueID) throws(EngineError) -> ValueID {
    try plus(builder, zeros(builder, like: value), 1)
  }
}
