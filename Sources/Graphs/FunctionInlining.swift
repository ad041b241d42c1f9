import Tensors

extension ModelGraph {
  /// Inlining makes at most so many nodes: functions that call functions may multiply them.
  public static let maxInlinedNodes = 1_000_000

  /// The model with each call of a local function replaced by the function's nodes, and no
  /// functions left.
  ///
  /// Values and nodes of a body get the caller's name before theirs. Attributes that refer to the
  /// function's take the call's value, else the default, else are left out. Domains that only
  /// functions import are imported by the result. With `lookup`, nodes of a body that is written
  /// for another version of a domain than the model's are bound in that version.
  /// - Errors: `.invalidModel` for a function that calls itself or calls too deep, `.arity` for a
  ///   call with too many values, `.budget` beyond `maxInlinedNodes`, `.unsupported` where a
  ///   body's subgraph uses an input that the call leaves out.
  public func inliningFunctions(
    using lookup: OperatorLookup? = nil
  ) throws(EngineError) -> ModelGraph {
    if functions.isEmpty { return self }
    var result = self
    var inliner = FunctionInliner(self, lookup)
    try inliner.inline(&result.graph, depth: 0)
    for f in functions {
      for (domain, version) in f.opsets.sorted(by: { $0.key < $1.key })
      where result.opset(domain) == nil {
        result.opsets.append((domain, version))
      }
    }
    result.functions = []
    return result
  }
}

private struct FunctionInliner {
  /// What a value of a function's body is in the graph of the call.
  private enum Place: Equatable {
    case nowhere
    /// An input that the call leaves out.
    case absent
    case value(ValueID)
    init(_ id: ValueID?) { self = id.map { .value($0) } ?? .absent }
  }
  private let table: [FunctionKey: Function]
  private let model: ModelGraph
  private let lookup: OperatorLookup?
  /// Every name in the model, so that a new one hides none of an outer graph.
  private var names: Set<String> = []
  private var stack: [FunctionKey] = []
  private var made = 0
  private var serial = 0

  init(_ model: ModelGraph, _ lookup: OperatorLookup?) {
    self.model = model
    self.lookup = lookup
    table = Dictionary(
      model.functions.map { (FunctionKey($0), $0) }, uniquingKeysWith: { a, _ in a })
    addNames(model.graph, depth: 0)
  }

  private mutating func addNames(_ g: Graph, depth: Int) {
    for v in g.values { names.insert(v.name) }
    guard depth < Graph.maxDepth else { return }
    for node in g.nodes {
      for sub in node.subgraphs { addNames(sub, depth: depth + 1) }
    }
  }

  mutating func inline(_ g: inout Graph, depth: Int) throws(EngineError) {
    guard depth <= Graph.maxDepth else {
      throw EngineError(
        .invalidModel, "subgraphs are nested too deep", expected: "at most \(Graph.maxDepth)")
    }
    try g.checkIDs()
    let nodes = g.nodes
    g.nodes = []
    for (i, node) in nodes.enumerated() {
      do throws(EngineError) { try emit(node, into: &g, depth: depth) } catch {
        let name = node.name.isEmpty ? "#\(i)" : node.name
        throw error.at(node: name, operatorName: node.type)
      }
    }
  }

  /// Adds a node, or what it stands for, to `g`.
  private mutating func emit(
    _ node: Graph.Node, into g: inout Graph, depth: Int
  ) throws(EngineError) {
    let key = FunctionKey(node)
    if let f = table[key] {
      guard !stack.contains(key) else {
        throw EngineError(
          .invalidModel, "function \(key.text) calls itself, directly or through others")
      }
      guard stack.count < ModelGraph.maxFunctionDepth else {
        throw EngineError(
          .invalidModel, "functions call each other too deep",
          expected: "at most \(ModelGraph.maxFunctionDepth)")
      }
      if let fault = f.faultOfCall(node) { throw fault }
      stack.append(key)
      try expand(f, node, into: &g, depth: depth)
      stack.removeLast()
      return
    }
    made += 1
    guard made <= ModelGraph.maxInlinedNodes else {
      throw EngineError(
        .budget, "inlining functions makes too many nodes",
        expected: "at most \(ModelGraph.maxInlinedNodes)")
    }
    var node = node
    if !node.subgraphs.isEmpty {
      let calls = node.subgraphs.contains {
        !$0.calledFunctions(table.keys, depth: depth).isEmpty
      }
      if calls {
        // The operator at hand holds the graphs with the calls.
        node.op = nil
        var me = self
        try node.updateSubgraphs { (sub: inout Graph) throws(EngineError) in
          try me.inline(&sub, depth: depth + 1)
        }
        self = me
      }
    }
    g.nodes.append(node)
  }

  private mutating func expand(
    _ f: Function, _ call: Graph.Node, into g: inout Graph, depth: Int
  ) throws(EngineError) {
    let body = f.body
    try body.checkIDs()
    let prefix = call.name.isEmpty ? f.name : call.name
    var arguments: [String: Attribute.Payload] = [:]
    for a in f.defaults { arguments[a.name] = a.payload }
    for a in call.attributes { arguments[a.name] = a.payload }

    var places = [Place](repeating: .nowhere, count: body.values.count)
    for (i, id) in body.inputs.enumerated() {
      places[id.index] = Place(i < call.inputs.count ? call.inputs[i] : nil)
    }
    let produced = Set(body.nodes.flatMap { $0.outputs.compactMap { $0 } })
    for (id, output) in zip(body.outputs, call.outputs) {
      guard let output, produced.contains(id), places[id.index] == .nowhere else { continue }
      places[id.index] = .value(output)
    }
    for (id, tensor) in body.initializers where places[id.index] == .nowhere {
      places[id.index] = .value(g.addInitializer(unique(prefix, body.name(id)), tensor))
    }
    // In the order of the body, so that the same model gives the same numbers and names.
    for i in places.indices where places[i] == .nowhere && produced.contains(ValueID(i)) {
      let name = body.values[i].name
      places[i] = .value(g.addValue(name.isEmpty ? "" : unique(prefix, name), Fact(nil, nil)))
    }

    for inner in body.nodes {
      var node = inner
      if !inner.name.isEmpty || !call.name.isEmpty {
        node.name = joined(prefix, inner.name.isEmpty ? inner.type : inner.name)
      }
      node.inputs = try inner.inputs.map { (id) throws(EngineError) -> ValueID? in
        guard let id else { return nil }
        return try place(id, places, f)
      }
      node.outputs = try inner.outputs.map { (id) throws(EngineError) -> ValueID? in
        guard let id else { return nil }
        return try place(id, places, f)
      }
      node.captured = try inner.captured.map { (id) throws(EngineError) -> ValueID in
        guard let outer = try place(id, places, f) else {
          throw EngineError(
            .unsupported,
            "a subgraph of function \(f.name) uses its input '\(body.name(id))', which the call "
              + "leaves out")
        }
        return outer
      }
      resolve(&node, arguments, depth: depth)
      bind(&node, f)
      try emit(node, into: &g, depth: depth)
    }

    for (id, output) in zip(body.outputs, call.outputs) {
      guard let output, places[id.index] != .value(output) else { continue }
      // An input handed through, or one value under two names.
      guard let source = try place(id, places, f) else {
        throw EngineError(
          .invalidModel, "output '\(body.name(id))' of function \(f.name) is an absent input")
      }
      g.nodes.append(Graph.Node(type: "Identity", inputs: [source], outputs: [output]))
    }
  }

  private func place(
    _ id: ValueID, _ places: [Place], _ f: Function
  ) throws(EngineError) -> ValueID? {
    switch places[id.index] {
    case .value(let outer): return outer
    case .absent: return nil
    case .nowhere:
      throw EngineError(
        .invalidModel, "in function \(f.name): nothing makes value '\(f.body.name(id))'")
    }
  }

  /// Replaces attributes that refer to the function's, in the node and in its subgraphs.
  private func resolve(
    _ node: inout Graph.Node, _ arguments: [String: Attribute.Payload], depth: Int
  ) {
    var attributes: [Attribute] = []
    var isChanged = false
    for var a in node.attributes {
      if case .reference(let name, _) = a.payload {
        isChanged = true
        guard let payload = arguments[name] else { continue }
        a.payload = payload
      }
      attributes.append(a)
    }
    node.attributes = attributes
    if isChanged { node.op = nil }
    guard depth < Graph.maxDepth, !node.subgraphs.isEmpty else { return }
    node.op = nil
    node.updateSubgraphs { (g: inout Graph) in
      for i in g.nodes.indices { resolve(&g.nodes[i], arguments, depth: depth + 1) }
    }
  }

  /// Binds a node in the version its function is written for, where the model's differs.
  private func bind(_ node: inout Graph.Node, _ f: Function) {
    guard let lookup else { return }
    node.updateSubgraphs { (g: inout Graph) in
      for i in g.nodes.indices { bind(&g.nodes[i], f) }
    }
    let domain = normalisedDomain(node.domain)
    guard node.op == nil, table[FunctionKey(node)] == nil,
      let version = f.opsets.first(where: { normalisedDomain($0.key) == domain })?.value,
      version != model.opset(domain)
    else { return }
    // An operator that cannot be made is reported when the graph is bound.
    node.op = try? lookup.make(node, version)
  }

  private func joined(_ prefix: String, _ name: String) -> String {
    let full = prefix + "/" + name
    // Names grow with every level; past this the end tells more than the beginning.
    return full.utf8.count <= 256 ? full : "…" + full.suffix(200)
  }

  private mutating func unique(_ prefix: String, _ name: String) -> String {
    let base = joined(prefix, name)
    var candidate = base
    while !names.insert(candidate).inserted {
      serial += 1
      candidate = "\(base)_\(serial)"
    }
    return candidate
  }
}
