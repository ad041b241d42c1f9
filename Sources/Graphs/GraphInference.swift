import Tensors

/// Choices of graph-wide inference.
public struct InferenceOptions: Sendable {
  /// Whether the first fault ends it. Otherwise a node that is unknown or at fault leaves its
  /// outputs as declared, and the faults are returned.
  public var isStrict: Bool
  /// Nodes whose inputs are constants of at most so many elements are evaluated, if their results
  /// are as small. 0 evaluates none.
  public var maxFoldedElements: Int

  public init(isStrict: Bool = true, maxFoldedElements: Int = Fact.maxElements) {
    self.isStrict = isStrict
    self.maxFoldedElements = maxFoldedElements
  }
  public static let lenient = InferenceOptions(isStrict: false)
}

extension Graph {
  /// Subgraphs may be nested so deep; deeper ones are refused before they exhaust the stack.
  public static let maxDepth = 32

  /// Finds out what is known of every value, and binds each node to its operator.
  ///
  /// Initializers are constants, unless `overrides` has another fact for them; inputs are as
  /// declared, refined by `overrides`. A named size that an override settles is settled wherever
  /// the file declares it. What the file declares of other values refines what is inferred.
  /// - Returns: the faults met, none in strict mode.
  /// - Errors: with the node's name and operator: `.unsupported` for an unknown operator,
  ///   `.shape` or `.dtype` where inference contradicts itself, the declared types or an
  ///   override, and whatever operators throw.
  @discardableResult
  public mutating func inferFacts(
    using lookup: OperatorLookup, inputs overrides: [ValueID: Fact] = [:],
    options: InferenceOptions = .init()
  ) throws(EngineError) -> [EngineError] {
    let walk = InferenceWalk(lookup, options)
    walk.fresh.next = highestMadeUpSize(depth: 0)
    try walk.infer(&self, overrides, depth: 0)
    return walk.faults
  }

  /// The largest number in a size named `unk__N`. Files carry such names as well.
  func highestMadeUpSize(depth: Int) -> Int {
    var highest = 0
    func look(_ dims: [Dim]) -> [Dim] {
      for d in dims {
        guard let name = d.symbol, name.hasPrefix("unk__") else { continue }
        // Beyond nine digits the series is never reached.
        if let n = Int(name.dropFirst(5)), n < 1_000_000_000 { highest = max(highest, n) }
      }
      return dims
    }
    for v in values { _ = v.fact.type.mapDims(look) }
    guard depth < Graph.maxDepth else { return highest }
    for node in nodes {
      for g in node.subgraphs { highest = max(highest, g.highestMadeUpSize(depth: depth + 1)) }
    }
    return highest
  }
}

extension ModelGraph {
  /// Finds out what is known of every value of the main graph; see `Graph.inferFacts`.
  @discardableResult
  public mutating func inferFacts(
    using lookup: OperatorLookup, inputs overrides: [ValueID: Fact] = [:],
    options: InferenceOptions = .init()
  ) throws(EngineError) -> [EngineError] {
    try graph.inferFacts(using: lookup, inputs: overrides, options: options)
  }
}

/// One pass over a graph and its subgraphs.
private final class InferenceWalk {
  let lookup: OperatorLookup
  let options: InferenceOptions
  let fresh = Inference.Fresh()
  var faults: [EngineError] = []

  init(_ lookup: OperatorLookup, _ options: InferenceOptions) {
    self.lookup = lookup
    self.options = options
  }

  /// Throws in strict mode, else keeps the error.
  private func report(_ error: EngineError) throws(EngineError) {
    if options.isStrict { throw error }
    faults.append(error)
  }

  func infer(
    _ graph: inout Graph, _ overrides: [ValueID: Fact], depth: Int
  ) throws(EngineError) {
    guard depth <= Graph.maxDepth else {
      throw EngineError(
        .invalidModel, "subgraphs are nested too deep", expected: "at most \(Graph.maxDepth)")
    }
    try graph.checkIDs()
    let sizes = try settleInputs(&graph, overrides)
    for i in graph.nodes.indices {
      let declared = graph.nodes[i].outputs.map { $0.map { graph.values[$0.index] } }
      do throws(EngineError) {
        let facts = try inferNode(&graph, i, depth: depth)
        for (j, id) in graph.nodes[i].outputs.enumerated() {
          guard let id else { continue }
          var fact = j < facts.count ? facts[j] : Fact(nil, nil)
          if let info = declared[j], info.isDeclared {
            do throws(EngineError) {
              fact.type = try fact.type.refined(
                by: named(info.fact.type), sizes: sizes)
            } catch {
              try report(
                contradiction(error, "output", graph.name(id)).at(
                  node: graph.nodeName(i), operatorName: graph.nodes[i].type))
            }
          }
          graph.values[id.index].fact = fact
        }
      } catch {
        try report(error.at(node: graph.nodeName(i), operatorName: graph.nodes[i].type))
        for (j, id) in graph.nodes[i].outputs.enumerated() {
          guard let id, let info = declared[j] else { continue }
          let type = info.isDeclared ? named(info.fact.type).substituting(sizes) : .tensor(nil, nil)
          graph.values[id.index].fact = Fact(type)
        }
      }
    }
  }

  /// Gives initializers, inputs and captures their facts; returns what the overrides settle of
  /// named sizes.
  private func settleInputs(
    _ graph: inout Graph, _ overrides: [ValueID: Fact]
  ) throws(EngineError) -> [String: Dim] {
    var sizes: [String: Dim] = [:]
    var disputed: Set<String> = []
    for id in graph.inputs + graph.captures {
      guard let override = overrides[id] else { continue }
      for (declared, given) in zip(graph.values[id.index].fact.dims ?? [], override.dims ?? []) {
        guard let name = declared.symbol, !isUnnamed(declared), declared != given else { continue }
        if let other = sizes[name], other != given { disputed.insert(name) }
        sizes[name] = given
      }
    }
    // Exporters reuse names for sizes that differ; such a name then says nothing.
    for name in disputed { sizes[name] = nil }

    var constants: [ValueID: Tensor] = [:]
    for (id, tensor) in graph.initializers { constants[id] = tensor }
    for id in graph.inputs + graph.captures {
      var info = graph.values[id.index]
      let declared = named(info.fact.type)
      if let override = overrides[id] ?? constants[id].map({ Fact(constant: $0) }) {
        info.fact = override
        do throws(EngineError) {
          info.fact.type = try override.type.refined(by: declared, sizes: sizes)
        } catch { try report(contradiction(error, "input", graph.name(id))) }
        // An override may leave sizes open without a name as well.
        info.fact.type = named(info.fact.type)
      } else {
        info.fact = Fact(declared.substituting(sizes))
      }
      graph.values[id.index] = info
      constants[id] = nil
    }
    for (id, tensor) in graph.initializers where constants[id] != nil {
      graph.values[id.index].fact = overrides[id] ?? Fact(constant: tensor)
    }
    for (id, tensor) in graph.sparseInitializers {
      graph.values[id.index].fact = Fact(tensor.values.dtype, tensor.dims.map { Dim($0) })
    }
    return sizes
  }

  /// `type` with a new name for each size that has none.
  private func named(_ type: ValueType) -> ValueType {
    type.mapDims { dims in
      dims.map { (dim) -> Dim in
        guard isUnnamed(dim) else { return dim }
        fresh.next += 1
        return Dim(symbol: "unk__\(fresh.next)")
      }
    }
  }

  private func contradiction(_ error: EngineError, _ role: String, _ name: String) -> EngineError {
    EngineError(
      error.code, "\(role) '\(name)' has \(error.message)", expected: error.expected,
      received: error.received, cause: error)
  }

  private func inferNode(
    _ graph: inout Graph, _ i: Int, depth: Int
  ) throws(EngineError) -> [Fact] {
    if graph.nodes[i].op == nil {
      try bindSubgraphs(&graph.nodes[i], depth: depth)
      graph.nodes[i].op = try lookup.bind(graph.nodes[i])
    }
    let node = graph.nodes[i]
    guard let op = node.op else { return [] }
    let inputs = node.inputs.map { (id) -> Fact? in id.map { graph.values[$0.index].fact } }
    let captured = node.captured.map { (id) -> Fact? in graph.values[id.index].fact }
    var inferred: [Graph] = []
    let results = try op.infer(
      Inference(
        inputs: inputs, outputCount: node.outputs.count, captured: captured, fresh: fresh,
        subgraph: { [self] (g, inputs, captured) throws(EngineError) in
          let result = try inferSubgraph(g, inputs, captured, depth: depth + 1)
          inferred.append(result)
          return result.outputs.map { result.values[$0.index].fact }
        }))
    if !inferred.isEmpty { keep(inferred, in: &graph.nodes[i]) }
    return foldConstants(op, node, inputs, results)
  }

  /// Binds the nodes of subgraphs, so that the operator made from them holds bound ones.
  private func bindSubgraphs(_ node: inout Graph.Node, depth: Int) throws(EngineError) {
    guard !node.subgraphs.isEmpty else { return }
    guard depth < Graph.maxDepth else {
      throw EngineError(
        .invalidModel, "subgraphs are nested too deep", expected: "at most \(Graph.maxDepth)")
    }
    try node.updateSubgraphs { (g: inout Graph) throws(EngineError) in
      for i in g.nodes.indices where g.nodes[i].op == nil {
        do throws(EngineError) {
          try bindSubgraphs(&g.nodes[i], depth: depth + 1)
          g.nodes[i].op = try lookup.bind(g.nodes[i])
        } catch {
          // A lenient pass reports it when it reaches the node.
          if options.isStrict {
            throw error.at(node: g.nodeName(i), operatorName: g.nodes[i].type)
          }
        }
      }
    }
  }

  private func inferSubgraph(
    _ graph: Graph, _ inputs: [Fact?], _ captured: [Fact?], depth: Int
  ) throws(EngineError) -> Graph {
    guard inputs.count <= graph.inputs.count else {
      throw EngineError(
        .arity, "subgraph '\(graph.name)' takes another number of inputs",
        expected: "\(inputs.count)", received: "\(graph.inputs.count)")
    }
    guard captured.count == graph.captures.count else {
      throw EngineError(
        .internalDefect, "subgraph '\(graph.name)' captures another number of values",
        expected: "\(captured.count)", received: "\(graph.captures.count)")
    }
    var facts: [ValueID: Fact] = [:]
    for (id, fact) in zip(graph.inputs, inputs) { facts[id] = fact }
    for (id, fact) in zip(graph.captures, captured) { facts[id] = fact }
    var result = graph
    try infer(&result, facts, depth: depth)
    return result
  }

  /// Stores what was inferred of subgraphs beside the node's attributes. An operator may infer
  /// a graph more than once, with looser types each time: the last counts.
  private func keep(_ inferred: [Graph], in node: inout Graph.Node) {
    node.updateSubgraphs { (g: inout Graph) in
      let match = inferred.last { $0.isSameBody(as: g) }
      if let match { g = match }
    }
  }

  /// The results with contents, where inputs are small constants.
  private func foldConstants(
    _ op: any Operator, _ node: Graph.Node, _ inputs: [Fact?], _ results: [Fact]
  ) -> [Fact] {
    let limit = options.maxFoldedElements
    var results = results
    for j in results.indices where results[j].constant == nil {
      if let t = results[j].tensorType, t.count <= limit, let ints = results[j].knownInts {
        results[j].constant = constant(t, ints)
      }
    }
    guard limit > 0, results.count >= node.outputs.count, type(of: op).schema.isDeterministic,
      inputs.contains(where: { $0 != nil }), node.captured.isEmpty, node.subgraphs.isEmpty,
      results.contains(where: { $0.constant == nil })
    else { return results }
    for fact in inputs {
      guard let fact else { continue }
      guard let c = fact.constant, c.count <= limit else { return results }
    }
    for fact in results.prefix(node.outputs.count) {
      guard let t = fact.tensorType, t.count <= limit else { return results }
    }
    let values = inputs.map { $0?.constant.map { Value.tensor($0) } }
    // A failure here is a failure of the run, which reports it with its place.
    guard
      let made = try? Eager().evaluate(op, values, outputs: node.outputs.count, runner: nil)
    else { return results }
    for (j, value) in made.enumerated() where j < results.count {
      guard case .tensor(let t)? = value, t.type == results[j].tensorType else { continue }
      let type = results[j].type
      results[j] = Fact(constant: t)
      results[j].type = type
    }
    return results
  }

  private func constant(_ type: TensorType, _ ints: [Int]) -> Tensor? {
    guard ints.count == type.count else { return nil }
    switch type.dtype {
    case .int64: return try? Tensor(shape: type.shape, ints.map { Int64($0) })
    case .int32:
      let exact = ints.compactMap { Int32(exactly: $0) }
      return exact.count == ints.count ? try? Tensor(shape: type.shape, exact) : nil
    default: return nil
    }
  }
}

extension Graph.Node {
  /// Lets `update` change each subgraph, in order.
  public mutating func updateSubgraphs<E: Error>(
    _ update: (inout Graph) throws(E) -> Void
  ) throws(E) {
    for i in attributes.indices {
      switch attributes[i].payload {
      case .graph(var g):
        try update(&g)
        attributes[i].payload = .graph(g)
      case .graphs(var list):
        for j in list.indices { try update(&list[j]) }
        attributes[i].payload = .graphs(list)
      default: break
      }
    }
  }
}
