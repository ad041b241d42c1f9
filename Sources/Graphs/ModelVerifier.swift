import Tensors

/// What names a function, and what a node calls it by.
struct FunctionKey: Hashable {
  let domain: String
  let name: String
  let overload: String

  init(_ node: Graph.Node) {
    domain = normalisedDomain(node.domain)
    name = node.type
    overload = node.overload
  }
  init(_ function: Function) {
    domain = normalisedDomain(function.domain)
    name = function.name
    overload = function.overload
  }
  var text: String {
    shownDomain(domain) + "." + name + (overload.isEmpty ? "" : ":\(overload)")
  }
}

extension ModelGraph {
  /// Functions may call each other so deep.
  public static let maxFunctionDepth = 64

  /// Throws the first broken invariant; see `faults`.
  ///
  /// Errors: `.invalidModel`, or `.arity` for a node with a wrong number of inputs or outputs.
  public func verify(using lookup: OperatorLookup? = nil) throws(EngineError) {
    if let first = faults(using: lookup).first { throw first }
  }

  /// Every broken invariant of the model: those of its graph (see `Graph.faults`) and of each
  /// function's body, domains imported once, functions defined once, called with as many values
  /// as they take, and never by themselves.
  public func faults(using lookup: OperatorLookup? = nil) -> [EngineError] {
    var verifier = Verifier(lookup: lookup)
    checkOpsets(&verifier)
    var table: [FunctionKey: Function] = [:]
    for f in functions {
      if table.updateValue(f, forKey: FunctionKey(f)) != nil {
        verifier.add("function \(FunctionKey(f).text) is defined twice")
      }
    }
    verifier.functions = Set(table.keys)
    verifier.check(graph, isOutermost: true, depth: 0)
    checkCalls(of: graph, table, &verifier, depth: 0)

    for f in functions {
      var inner = Verifier(lookup: lookup.map { importing(f, $0) })
      inner.functions = verifier.functions
      inner.isInFunction = true
      inner.check(f.body, isOutermost: true, depth: 0)
      if !f.body.initializers.isEmpty || !f.body.sparseInitializers.isEmpty {
        inner.add("a function's body has initializers", expected: "Constant nodes")
      }
      checkCalls(of: f.body, table, &inner, depth: 0)
      for fault in inner.faults { verifier.add(fault.inFunction(FunctionKey(f).text)) }
    }
    checkRecursion(table, &verifier)
    return verifier.faults
  }

  private func checkOpsets(_ verifier: inout Verifier) {
    var seen: Set<String> = []
    for (domain, version) in opsets {
      if !seen.insert(normalisedDomain(domain)).inserted {
        verifier.add("domain '\(shownDomain(domain))' is imported twice")
      }
      if version < 1 {
        verifier.add(
          "the version of domain '\(shownDomain(domain))' is not legal", expected: "at least 1",
          received: "\(version)")
      }
    }
  }

  /// `lookup` with the versions that a function's body is written for.
  private func importing(_ f: Function, _ lookup: OperatorLookup) -> OperatorLookup {
    let own = f.opsets.sorted { $0.key < $1.key }.map { (domain: $0.key, version: $0.value) }
    return OperatorLookup(opsets: own + opsets, make: lookup.make, schema: lookup.schema)
  }

  private func checkCalls(
    of graph: Graph, _ table: [FunctionKey: Function], _ verifier: inout Verifier, depth: Int
  ) {
    guard depth <= Graph.maxDepth else { return }
    for (i, node) in graph.nodes.enumerated() {
      for g in node.subgraphs { checkCalls(of: g, table, &verifier, depth: depth + 1) }
      guard let f = table[FunctionKey(node)] else { continue }
      if let fault = f.faultOfCall(node) {
        verifier.add(fault.at(node: graph.nodeName(i), operatorName: node.type))
      }
    }
  }

  private func checkRecursion(
    _ table: [FunctionKey: Function], _ verifier: inout Verifier
  ) {
    var calls: [FunctionKey: Set<FunctionKey>] = [:]
    for (key, f) in table { calls[key] = f.body.calledFunctions(table.keys, depth: 0) }
    // Peel off functions whose callees are all peeled: what stays calls itself.
    var depths: [FunctionKey: Int] = [:]
    var round = 0
    while depths.count < calls.count {
      let ready = calls.keys.filter { key in
        depths[key] == nil && (calls[key] ?? []).allSatisfy { depths[$0] != nil }
      }
      if ready.isEmpty { break }
      for key in ready { depths[key] = round }
      round += 1
    }
    for key in calls.keys.filter({ depths[$0] == nil }).map(\.text).sorted() {
      verifier.add("function \(key) calls itself, directly or through others")
    }
    if round > ModelGraph.maxFunctionDepth {
      verifier.add(
        "functions call each other too deep", expected: "at most \(ModelGraph.maxFunctionDepth)",
        received: "\(round)")
    }
  }
}

extension Function {
  /// Why `node` cannot call this function, or nil.
  func faultOfCall(_ node: Graph.Node) -> EngineError? {
    if node.inputs.count > body.inputs.count {
      return EngineError(
        .arity, "too many inputs for the function", expected: "at most \(body.inputs.count)",
        received: "\(node.inputs.count)")
    }
    if node.outputs.count > body.outputs.count {
      return EngineError(
        .arity, "too many outputs for the function", expected: "at most \(body.outputs.count)",
        received: "\(node.outputs.count)")
    }
    return nil
  }
}

extension Graph {
  /// Which of `functions` the graph's nodes call, those in subgraphs included.
  func calledFunctions(_ functions: some Collection<FunctionKey>, depth: Int) -> Set<FunctionKey> {
    let known = Set(functions)
    var found: Set<FunctionKey> = []
    func visit(_ g: Graph, _ depth: Int) {
      guard depth <= Graph.maxDepth else { return }
      for node in g.nodes {
        let key = FunctionKey(node)
        if known.contains(key) { found.insert(key) }
        for sub in node.subgraphs { visit(sub, depth + 1) }
      }
    }
    visit(self, depth)
    return found
  }
}

extension EngineError {
  /// The error with the function in whose body it lies put before its message.
  func inFunction(_ name: String) -> EngineError {
    EngineError(
      code, "in function \(name): \(message)", expected: expected, received: received, hint: hint,
      subject: subject, cause: cause)
  }
}
