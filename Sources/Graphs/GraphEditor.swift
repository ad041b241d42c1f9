import Tensors

/// A graph being rewritten. Who makes and who uses each value is known at any time; new nodes find
/// their place in the order when the edit is finished.
///
/// Nodes are named by numbers that stay theirs until `finish`. What a rewrite leaves without users
/// is removed by `sweep`.
public final class GraphEditor {
  public private(set) var graph: Graph
  public let lookup: OperatorLookup
  /// What was done to which node, where somebody wants to know.
  public var log: RewriteLog?
  /// Rewrites so far; a pass that leaves it as it was changed nothing.
  public private(set) var changes = 0
  private var isDead: [Bool]
  /// Where each node stood, or where the node stood that it was made for.
  private var places: [Int]
  /// The node that makes a value; -1 for none.
  private var makers: [Int]
  /// The nodes that use a value, one entry a use, captured ones included.
  private var uses: [[Int]]
  private var constants: [Tensor?]
  private var outputUses: [Int]
  private let fresh = Inference.Fresh()

  /// Every node must be bound to its operator, and facts inferred: see `Graph.inferFacts`. A node
  /// whose operator is not known is left alone.
  public init(_ graph: Graph, using lookup: OperatorLookup) {
    self.graph = graph
    self.lookup = lookup
    let count = graph.values.count
    isDead = [Bool](repeating: false, count: graph.nodes.count)
    places = Array(graph.nodes.indices)
    makers = [Int](repeating: -1, count: count)
    uses = [[Int]](repeating: [], count: count)
    constants = [Tensor?](repeating: nil, count: count)
    outputUses = [Int](repeating: 0, count: count)
    for (id, tensor) in graph.initializers { constants[id.index] = tensor }
    // An initializer of an input is only a default value.
    for id in graph.inputs { constants[id.index] = nil }
    for id in graph.outputs { outputUses[id.index] += 1 }
    for (i, node) in graph.nodes.enumerated() {
      for case let id? in node.outputs { makers[id.index] = i }
      for case let id? in node.inputs { uses[id.index].append(i) }
      for id in node.captured { uses[id.index].append(i) }
    }
    fresh.next = graph.highestMadeUpSize(depth: 0)
  }

  // MARK: Looking

  /// The nodes there are now, in the order of the graph; those added since at the end.
  public var nodes: [Int] { graph.nodes.indices.filter { !isDead[$0] } }
  public func isLive(_ node: Int) -> Bool { !isDead[node] }
  public func node(_ i: Int) -> Graph.Node { graph.nodes[i] }
  public func fact(_ v: ValueID) -> Fact { graph.values[v.index].fact }
  public func dtype(_ v: ValueID) -> DType? { fact(v).dtype }
  public func dims(_ v: ValueID) -> [Dim]? { fact(v).dims }
  /// The contents of an initializer that no caller can change, or of a value known to be constant.
  public func constant(_ v: ValueID?) -> Tensor? {
    guard let v else { return nil }
    return constants[v.index] ?? graph.values[v.index].fact.constant
  }
  /// Whether the value is an initializer that no caller can change.
  public func isInitializer(_ v: ValueID) -> Bool { constants[v.index] != nil }
  public func maker(_ v: ValueID?) -> Int? {
    guard let v, makers[v.index] >= 0 else { return nil }
    return makers[v.index]
  }
  /// Nodes that use the value, one entry a use.
  public func users(_ v: ValueID) -> [Int] { uses[v.index] }
  public func isOutput(_ v: ValueID) -> Bool { outputUses[v.index] > 0 }
  /// Whether one input of one node is all that uses the value.
  public func hasOneUse(_ v: ValueID) -> Bool {
    uses[v.index].count == 1 && outputUses[v.index] == 0
  }
  public func input(_ node: Int, _ i: Int) -> ValueID? {
    let inputs = graph.nodes[node].inputs
    return i < inputs.count ? inputs[i] : nil
  }
  public func output(_ node: Int, _ i: Int = 0) -> ValueID? {
    let outputs = graph.nodes[node].outputs
    return i < outputs.count ? outputs[i] : nil
  }
  /// The node's operator, where it is an `Op`.
  public func op<Op: Operator>(_ node: Int, as _: Op.Type = Op.self) -> Op? {
    graph.nodes[node].op as? Op
  }
  /// The node that makes `v`, where its operator is an `Op`.
  public func made<Op: Operator>(_ v: ValueID?, by _: Op.Type) -> (node: Int, op: Op)? {
    guard let i = maker(v), let op = graph.nodes[i].op as? Op else { return nil }
    return (i, op)
  }
  /// The one element of a constant, as a Double.
  public func scalar(_ v: ValueID?) -> Double? {
    guard let t = constant(v), t.count == 1 else { return nil }
    return t.asDouble(0)
  }

  // MARK: Changing

  /// Adds a node where node `place` stands, and gives its results.
  ///
  /// Errors: those of the operator's inference.
  public func add(
    _ op: any Operator, _ inputs: [ValueID?], outputs: Int = 1, at place: Int, name: String = ""
  ) throws(EngineError) -> [ValueID] {
    let schema = type(of: op).schema
    do throws(EngineError) {
      try schema.checkArity(inputs: inputs.map { $0 != nil }, outputs: outputs)
      let facts = try op.infer(
        Inference(
          inputs: inputs.map { $0.map { fact($0) } }, outputCount: outputs, captured: [],
          fresh: fresh,
          subgraph: { (g, _, _) throws(EngineError) in g.outputs.map { g.values[$0.index].fact } }))
      let results = facts.prefix(outputs).map { addValue("", $0) }
      var node = Graph.Node(
        name: name, type: schema.name, domain: schema.domain, attributes: op.attributes,
        inputs: inputs, outputs: results)
      node.op = op
      append(node, at: place)
      return Array(results)
    } catch { throw error.at(operatorName: schema.name) }
  }

  /// The same for an operator with one result.
  public func addOne(
    _ op: any Operator, _ inputs: [ValueID?], at place: Int, name: String = ""
  ) throws(EngineError) -> ValueID {
    guard let result = try add(op, inputs, at: place, name: name).first else {
      throw EngineError(.internalDefect, "an operator has no result")
    }
    return result
  }

  /// Adds a node as it is: its outputs must be values nothing makes.
  public func append(_ node: Graph.Node, at place: Int) {
    let i = graph.nodes.count
    graph.nodes.append(node)
    isDead.append(false)
    places.append(places[place])
    for case let id? in node.outputs { makers[id.index] = i }
    for case let id? in node.inputs { uses[id.index].append(i) }
    for id in node.captured { uses[id.index].append(i) }
    changes += 1
  }

  public func addValue(_ name: String, _ fact: Fact) -> ValueID {
    makers.append(-1)
    uses.append([])
    constants.append(nil)
    outputUses.append(0)
    return graph.addValue(name, fact)
  }

  /// A size that nobody knows yet, different from every other.
  public func unknownSize() -> Dim { fresh.size() }

  public func addConstant(_ tensor: Tensor, name: String = "") -> ValueID {
    let id = addValue(name, Fact(constant: tensor))
    graph.initializers.append((id, tensor))
    constants[id.index] = tensor
    return id
  }

  /// Makes what uses `old` use `new`. An output keeps its name and place, but stays with `old`
  /// where `new` is an input, a constant or an output itself.
  ///
  /// - Returns: whether nothing uses `old` any more.
  @discardableResult
  public func replace(_ old: ValueID, with new: ValueID) -> Bool {
    guard old != new else { return false }
    changes += 1
    let users = uses[old.index]
    uses[old.index] = []
    for i in users {
      for j in graph.nodes[i].inputs.indices where graph.nodes[i].inputs[j] == old {
        graph.nodes[i].inputs[j] = new
      }
      for j in graph.nodes[i].captured.indices where graph.nodes[i].captured[j] == old {
        graph.nodes[i].captured[j] = new
      }
    }
    uses[new.index] += users
    guard isOutput(old) else { return true }
    guard makers[new.index] >= 0, !isOutput(new) else { return false }
    outputUses[new.index] = outputUses[old.index]
    outputUses[old.index] = 0
    for k in graph.outputs.indices where graph.outputs[k] == old { graph.outputs[k] = new }
    let fact = graph.values[new.index].fact
    graph.values[new.index] = graph.values[old.index]
    // Both are right; what the file declares may be the more telling.
    if fact.tensorType != nil || graph.values[old.index].fact.dims == nil {
      graph.values[new.index].fact = fact
    }
    graph.values[old.index] = Graph.ValueInfo(name: "", fact: graph.values[old.index].fact)
    return true
  }

  /// Gives input `i` of a node another value.
  public func setInput(_ node: Int, _ i: Int, to value: ValueID?) {
    let old = graph.nodes[node].inputs[i]
    guard old != value else { return }
    changes += 1
    graph.nodes[node].inputs[i] = value
    if let old, let k = uses[old.index].firstIndex(of: node) { uses[old.index].remove(at: k) }
    if let value { uses[value.index].append(node) }
  }

  /// Removes a node and makes initializers of its results, nil for those nobody takes.
  public func makeConstant(_ node: Int, _ results: [Tensor?]) {
    let ids = graph.nodes[node].outputs
    remove(node)
    for (id, tensor) in zip(ids, results) {
      guard let id, let tensor else { continue }
      graph.initializers.append((id, tensor))
      constants[id.index] = tensor
      var fact = Fact(constant: tensor)
      // What the file declares stays as it is.
      if graph.values[id.index].isDeclared { fact.type = graph.values[id.index].fact.type }
      graph.values[id.index].fact = fact
    }
  }

  /// Removes a node. Nothing may use what it makes.
  public func remove(_ node: Int) {
    guard !isDead[node] else { return }
    isDead[node] = true
    changes += 1
    for case let id? in graph.nodes[node].outputs where makers[id.index] == node {
      makers[id.index] = -1
    }
    for id in graph.nodes[node].inputs.compactMap({ $0 }) + graph.nodes[node].captured {
      if let k = uses[id.index].firstIndex(of: node) { uses[id.index].remove(at: k) }
    }
  }

  /// Replaces one node by an operator of one result: the usual end of a fusion. `others` are the
  /// nodes that went into it; those without users left go with the next `sweep`.
  @discardableResult
  public func fuse(
    _ node: Int, _ others: [Int] = [], into op: any Operator, _ inputs: [ValueID?], by pass: String
  ) throws(EngineError) -> ValueID? {
    guard let old = output(node) else { return nil }
    let new = try addOne(op, inputs, at: node, name: graph.nodes[node].name)
    if log != nil {
      let made = graph.nodes.count - 1
      for i in others + [node] {
        note(i, "\(pass): part of \(type(of: op).schema.name) '\(graph.nodeName(made))'")
      }
    }
    replace(old, with: new)
    remove(node)
    return new
  }

  /// Says what happened to a node, for `optimize --explain`.
  public func note(_ node: Int, _ text: @autoclosure () -> String) {
    log?.add(graph.nodeName(node), graph.nodes[node].type, text(), isMiss: false)
  }
  /// Says why a rewrite that was near did not happen.
  public func miss(_ node: Int, _ text: @autoclosure () -> String) {
    log?.add(graph.nodeName(node), graph.nodes[node].type, text(), isMiss: true)
  }

  // MARK: Finishing

  /// Removes nodes that nothing needs; how many. `pass` is what the log blames for it.
  @discardableResult
  public func sweep(after pass: String? = nil) -> Int {
    var needed = [Bool](repeating: false, count: graph.nodes.count)
    var open = graph.outputs.compactMap { maker($0) }
    while let i = open.popLast() {
      if needed[i] { continue }
      needed[i] = true
      for case let id? in graph.nodes[i].inputs { if let m = maker(id) { open.append(m) } }
      for id in graph.nodes[i].captured { if let m = maker(id) { open.append(m) } }
    }
    var removed = 0
    for i in graph.nodes.indices where !isDead[i] && !needed[i] {
      if let pass { note(i, "\(pass): went with what needed its result") }
      remove(i)
      removed += 1
    }
    return removed
  }

  /// The graph with its nodes in an order in which they can run, close to the old one, and without
  /// values and initializers that nothing uses.
  public func finish() -> Graph {
    sweep()
    var result = graph
    result.nodes = orderedNodes().map { graph.nodes[$0] }
    result.dropUnusedValues()
    return result
  }

  /// The nodes in an order in which they can run. Where some wait for each other in a ring, as a
  /// faulty rewrite may leave them, one of these comes before what it needs: the verifier says so.
  public func orderedNodes() -> [Int] {
    var done = [Bool](repeating: false, count: graph.nodes.count)
    var isOpen = done
    var order: [Int] = []
    let live = nodes.sorted { (places[$0], $0) < (places[$1], $1) }
    // A list instead of recursion: chains may be as long as the graph.
    for start in live where !done[start] {
      var open = [(start, false)]
      while let (i, isReady) = open.popLast() {
        if done[i] { continue }
        if isReady {
          done[i] = true
          order.append(i)
          continue
        }
        if isOpen[i] { continue }
        isOpen[i] = true
        open.append((i, true))
        let used = graph.nodes[i].inputs.compactMap { $0 } + graph.nodes[i].captured
        for id in used.reversed() {
          if let m = maker(id), !done[m] { open.append((m, false)) }
        }
      }
    }
    return order
  }
}

extension Graph {
  /// Drops values that no node, input, output or capture has, and their initializers.
  package mutating func dropUnusedValues() {
    var isUsed = [Bool](repeating: false, count: values.count)
    for id in inputs + outputs + captures { isUsed[id.index] = true }
    for node in nodes {
      for case let id? in node.inputs { isUsed[id.index] = true }
      for case let id? in node.outputs { isUsed[id.index] = true }
      for id in node.captured { isUsed[id.index] = true }
    }
    var number = [Int](repeating: -1, count: values.count)
    var kept: [ValueInfo] = []
    for i in values.indices where isUsed[i] {
      number[i] = kept.count
      kept.append(values[i])
    }
    func moved(_ id: ValueID) -> ValueID { ValueID(number[id.index]) }
    values = kept
    inputs = inputs.map(moved)
    outputs = outputs.map(moved)
    captures = captures.map(moved)
    initializers = initializers.filter { isUsed[$0.id.index] }.map { (moved($0.id), $0.tensor) }
    sparseInitializers = sparseInitializers.filter { isUsed[$0.id.index] }.map {
      (moved($0.id), $0.tensor)
    }
    tensorFields = Dictionary(
      tensorFields.filter { isUsed[$0.key.index] }.map { (moved($0.key), $0.value) },
      uniquingKeysWith: { a, _ in a })
    for i in nodes.indices {
      nodes[i].inputs = nodes[i].inputs.map { $0.map(moved) }
      nodes[i].outputs = nodes[i].outputs.map { $0.map(moved) }
      nodes[i].captured = nodes[i].captured.map(moved)
    }
  }
}
