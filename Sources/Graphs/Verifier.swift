import Tensors

extension Graph {
  /// Throws the first broken invariant; see `faults`.
  ///
  /// Errors: `.invalidModel`, or `.arity` for a node with a wrong number of inputs or outputs.
  public func verify(using lookup: OperatorLookup? = nil) throws(EngineError) {
    if let first = faults(using: lookup).first { throw first }
  }

  /// Every broken invariant of the graph and its subgraphs, with its place.
  ///
  /// - Every number of a value lies in the graph.
  /// - Names are unique where they are not empty.
  /// - Each value has one maker: an input, a capture, an initializer or a node. (An input may
  ///   have an initializer as its default.)
  /// - Nodes stand in an order in which they can run; outputs are made.
  /// - A subgraph's captures match those its node lists; the outermost graph has none.
  /// - Initializers have the declared types.
  /// - Numbers of inputs and outputs fit the operator, where it is known: from the node, or found
  ///   by `lookup`, which also has to know a version of every domain.
  /// - Attributes have unique names and refer to a function's only inside a function.
  public func faults(using lookup: OperatorLookup? = nil) -> [EngineError] {
    var verifier = Verifier(lookup: lookup)
    verifier.check(self, isOutermost: true, depth: 0)
    return verifier.faults
  }

  /// Whether every number of a value lies in the graph.
  ///
  /// Errors: `.invalidModel` naming who uses a wrong one.
  func checkIDs() throws(EngineError) {
    func check(_ ids: some Sequence<ValueID>, _ user: () -> String) throws(EngineError) {
      for id in ids where id.index < 0 || id.index >= values.count {
        throw EngineError(
          .invalidModel, "\(user()) a value that the graph does not have",
          expected: "a number below \(values.count)", received: "\(id.index)")
      }
    }
    try check(inputs) { "the inputs name" }
    try check(outputs) { "the outputs name" }
    try check(captures) { "the captures name" }
    try check(initializers.lazy.map(\.id)) { "an initializer names" }
    try check(sparseInitializers.lazy.map(\.id)) { "a sparse initializer names" }
    for (i, node) in nodes.enumerated() {
      try check(node.inputs.lazy.compactMap { $0 }) { "node #\(i) '\(node.name)' uses" }
      try check(node.outputs.lazy.compactMap { $0 }) { "node #\(i) '\(node.name)' makes" }
      try check(node.captured) { "node #\(i) '\(node.name)' captures" }
    }
  }
}

/// One pass over a graph, its subgraphs and the functions around them.
struct Verifier {
  let lookup: OperatorLookup?
  /// The functions of the model, by what calls them.
  var functions: Set<FunctionKey> = []
  var isInFunction = false
  private(set) var faults: [EngineError] = []
  /// More faults than this say nothing new.
  static let maxFaults = 1000

  init(lookup: OperatorLookup?) { self.lookup = lookup }

  mutating func add(_ error: EngineError) {
    if faults.count < Verifier.maxFaults { faults.append(error) }
  }
  mutating func add(_ message: String, expected: String? = nil, received: String? = nil) {
    add(EngineError(.invalidModel, message, expected: expected, received: received))
  }

  mutating func check(_ graph: Graph, isOutermost: Bool, depth: Int) {
    guard depth <= Graph.maxDepth else {
      return add("subgraphs are nested too deep", expected: "at most \(Graph.maxDepth)")
    }
    // Everything below indexes by these numbers.
    do throws(EngineError) { try graph.checkIDs() } catch { return add(error) }
    checkNames(graph)
    if isOutermost && !graph.captures.isEmpty {
      add(
        "the outermost graph captures '\(graph.name(graph.captures[0]))'",
        expected: "no captures")
    }
    checkOrder(graph)
    checkInitializers(graph)
    for i in graph.nodes.indices { checkNode(graph, i, depth: depth) }
  }

  private mutating func checkNames(_ graph: Graph) {
    var seen: [String: Int] = [:]
    for (i, v) in graph.values.enumerated() where !v.name.isEmpty {
      if let other = seen.updateValue(i, forKey: v.name) {
        add("two values have the name '\(v.name)'", received: "%\(other) and %\(i)")
      }
    }
  }

  private mutating func checkOrder(_ graph: Graph) {
    /// Who makes a value: an index of a node, or one of these.
    let nobody = -1
    let outside = -2
    var maker = [Int](repeating: nobody, count: graph.values.count)
    var isInput = [Bool](repeating: false, count: graph.values.count)
    for (ids, what) in [(graph.inputs, "input"), (graph.captures, "capture")] {
      for id in ids {
        if maker[id.index] != nobody {
          add("value '\(graph.name(id))' is an \(what) twice or an input and a capture")
        }
        maker[id.index] = outside
        isInput[id.index] = what == "input"
      }
    }
    var isInitializer = [Bool](repeating: false, count: graph.values.count)
    for id in graph.initializers.map(\.id) + graph.sparseInitializers.map(\.id) {
      if isInitializer[id.index] {
        add("value '\(graph.name(id))' has two initializers")
      } else if maker[id.index] == outside && !isInput[id.index] {
        add("captured value '\(graph.name(id))' has an initializer")
      }
      isInitializer[id.index] = true
      maker[id.index] = outside
    }
    for (i, node) in graph.nodes.enumerated() {
      for case let id? in node.outputs {
        let other = maker[id.index]
        if other != nobody {
          let first = other >= 0 ? "node '\(graph.nodeName(other))'" : "an input or initializer"
          addAt(
            graph, i, "value '\(graph.name(id))' is made twice", received: "also by \(first)")
        } else {
          maker[id.index] = i
        }
      }
    }
    for (i, node) in graph.nodes.enumerated() {
      for id in node.inputs.compactMap({ $0 }) + node.captured {
        let source = maker[id.index]
        if source == nobody {
          addAt(graph, i, "value '\(graph.name(id))' is used but nothing makes it")
        } else if source >= i {
          addAt(
            graph, i, "value '\(graph.name(id))' is used before it is made",
            expected: "nodes in an order in which they can run",
            received: "made by node '\(graph.nodeName(source))' at place \(source), used at \(i)")
        }
      }
    }
    for id in graph.outputs where maker[id.index] == nobody {
      add("output '\(graph.name(id))' of graph '\(graph.name)' is never made")
    }
  }

  private mutating func checkInitializers(_ graph: Graph) {
    for (id, tensor) in graph.initializers {
      let info = graph.values[id.index]
      guard info.isDeclared else { continue }
      do throws(EngineError) {
        _ = try Fact(tensor.type).type.refined(by: info.fact.type)
      } catch {
        add(
          "initializer '\(graph.name(id))' has \(error.message)",
          expected: info.fact.type.description, received: "\(tensor.type)")
      }
    }
  }

  private mutating func addAt(
    _ graph: Graph, _ i: Int, _ message: String, expected: String? = nil, received: String? = nil
  ) {
    let error = EngineError(.invalidModel, message, expected: expected, received: received)
    add(error.at(node: graph.nodeName(i), operatorName: graph.nodes[i].type))
  }

  private mutating func checkNode(_ graph: Graph, _ i: Int, depth: Int) {
    let node = graph.nodes[i]
    if node.type.isEmpty { addAt(graph, i, "the node has no operator") }
    var names: Set<String> = []
    for a in node.attributes {
      if !names.insert(a.name).inserted { addAt(graph, i, "attribute '\(a.name)' stands twice") }
      if case .reference(let other, _) = a.payload, !isInFunction {
        addAt(
          graph, i,
          "attribute '\(a.name)' refers to the attribute '\(other)' of a function, outside one")
      }
    }
    checkSchema(graph, i)

    let subgraphs = node.subgraphs
    let captures = subgraphs.reduce(0) { $0 + $1.captures.count }
    if captures != node.captured.count {
      addAt(
        graph, i, "the node lists another number of captured values than its subgraphs",
        expected: "\(captures)", received: "\(node.captured.count)")
    }
    for g in subgraphs {
      let before = faults.count
      check(g, isOutermost: false, depth: depth + 1)
      for j in before..<faults.count {
        // Inner places stay; faults without one get the node that holds the subgraph.
        faults[j] = faults[j].at(node: graph.nodeName(i), operatorName: node.type)
      }
    }
  }

  private mutating func checkSchema(_ graph: Graph, _ i: Int) {
    let node = graph.nodes[i]
    if functions.contains(FunctionKey(node)) { return }
    if let lookup, node.op == nil, lookup.opset(node.domain) == nil {
      addAt(
        graph, i, "the model imports no version of domain '\(shownDomain(node.domain))'",
        expected: "an entry in opset_import")
    }
    let domain = normalisedDomain(node.domain)
    guard let schema = node.op.map({ type(of: $0).schema }) ?? lookup?.schema(domain, node.type)
    else { return }
    let opset = node.opset ?? lookup?.opset(node.domain)
    do throws(EngineError) {
      try schema.checkArity(
        inputs: node.inputs.map { $0 != nil }, outputs: node.outputs.count,
        opset: node.op == nil ? opset : nil)
      if let opset, node.op == nil { try schema.checkAttributes(node.attributes, opset: opset) }
    } catch { add(error.at(node: graph.nodeName(i), operatorName: node.type)) }
  }
}
