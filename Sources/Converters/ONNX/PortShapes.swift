import Graphs
import Operators
import Tensors

/// Gives inputs other sizes: numbers where they are to be fixed, symbols where they are to be open.
/// What the file says of the sizes of other values is said anew.
struct PortShapes {
  private let shapes: [(name: String?, dims: [Dim])]

  init(_ shapes: [(name: String?, dims: [Dim])]) { self.shapes = shapes }

  /// Errors: `.usage` for an input that does not exist or has another rank; `.shape` where the graph
  /// contradicts the sizes, as a Reshape to fixed ones does.
  func apply(to model: inout ModelGraph, _ operators: OperatorSet) throws(EngineError) {
    var graph = model.graph
    let constants = Set(graph.initializers.map(\.id))
    let ports = graph.inputs.filter { !constants.contains($0) }
    var replaced = false
    for (name, dims) in shapes {
      let id = try port(name, ports, graph)
      let old = graph.values[id.index].fact
      guard case .tensor(let dtype, let before) = old.type else {
        throw EngineError(.usage, "input '\(graph.name(id))' is no tensor and has no sizes")
      }
      if let before, before.count != dims.count {
        throw EngineError(
          .usage, "input '\(graph.name(id))' has another rank", expected: "\(before.count) sizes",
          received: "\(dims)")
      }
      for (was, wanted) in zip(before ?? [], dims) {
        if was.known != nil, was != wanted { replaced = true }
      }
      graph.values[id.index].fact = Fact(.tensor(dtype, dims))
    }
    let settled = settledSymbols(model.graph, graph, ports)
    let kept = Set(graph.inputs)
    for i in graph.values.indices where !kept.contains(ValueID(i)) {
      let type = graph.values[i].fact.type
      graph.values[i].fact = Fact(replaced ? type.withoutSizes : type.settling(settled))
    }
    for id in graph.inputs where graph.values[id.index].fact.type != .tensor(nil, nil) {
      graph.values[id.index].fact.type = graph.values[id.index].fact.type.settling(settled)
    }
    if replaced { graph.forgetInnerSizes(depth: 0) }
    graph.unbind(depth: 0)
    try graph.inferFacts(using: operators.lookup(opsets: model.opsets))
    for id in graph.inputs + graph.outputs { graph.values[id.index].isDeclared = true }
    model.graph = graph
  }

  private func port(
    _ name: String?, _ ports: [ValueID], _ graph: Graph
  ) throws(EngineError) -> ValueID {
    guard let name else {
      guard let only = ports.first, ports.count == 1 else {
        throw EngineError(
          .usage, "a shape without a name needs a model with one input",
          expected: ports.map { "\(graph.name($0))=..." }.joined(separator: ", "))
      }
      return only
    }
    guard let id = ports.first(where: { graph.values[$0.index].name == name }) else {
      throw EngineError(
        .usage, "the model has no input '\(name)'",
        expected: NearNames(ports.map { graph.values[$0.index].name }).text(near: name))
    }
    return id
  }

  /// What symbols became numbers, or other symbols; those that became two things are left out.
  private func settledSymbols(
    _ before: Graph, _ after: Graph, _ ports: [ValueID]
  ) -> [String: Dim] {
    var sizes: [String: Dim] = [:]
    var disputed: Set<String> = []
    for id in ports {
      let old = before.values[id.index].fact.dims ?? []
      for (was, now) in zip(old, after.values[id.index].fact.dims ?? []) {
        guard let symbol = was.symbol, was != now else { continue }
        if let other = sizes[symbol], other != now { disputed.insert(symbol) }
        sizes[symbol] = now
      }
    }
    for symbol in disputed { sizes[symbol] = nil }
    return sizes
  }
}

extension ValueType {
  /// The type without what it says of sizes.
  fileprivate var withoutSizes: ValueType {
    switch self {
    case .tensor(let dtype, _): .tensor(dtype, nil)
    case .sparseTensor(let dtype, _): .sparseTensor(dtype, nil)
    case .sequence(let element): .sequence(element?.withoutSizes)
    case .optional(let element): .optional(element?.withoutSizes)
    case .map: self
    }
  }

  /// The type with symbols replaced.
  fileprivate func settling(_ sizes: [String: Dim]) -> ValueType {
    switch self {
    case .tensor(let dtype, let dims): .tensor(dtype, dims?.map { $0.substituting(sizes) })
    case .sparseTensor(let dtype, let dims):
      .sparseTensor(dtype, dims?.map { $0.substituting(sizes) })
    case .sequence(let element): .sequence(element?.settling(sizes))
    case .optional(let element): .optional(element?.settling(sizes))
    case .map: self
    }
  }
}

extension Graph {
  /// Forgets what bodies say of the sizes of their values.
  fileprivate mutating func forgetInnerSizes(depth: Int) {
    guard depth < Graph.maxDepth else { return }
    for i in nodes.indices where !nodes[i].subgraphs.isEmpty {
      nodes[i].updateSubgraphs { (body: inout Graph) in
        for v in body.values.indices {
          body.values[v].fact = Fact(body.values[v].fact.type.withoutSizes)
        }
        body.forgetInnerSizes(depth: depth + 1)
      }
    }
  }

  /// Has each node make its operator anew.
  mutating func unbind(depth: Int) {
    for i in nodes.indices {
      nodes[i].op = nil
      guard depth < Graph.maxDepth, !nodes[i].subgraphs.isEmpty else { continue }
      nodes[i].updateSubgraphs { (body: inout Graph) in body.unbind(depth: depth + 1) }
    }
  }
}
