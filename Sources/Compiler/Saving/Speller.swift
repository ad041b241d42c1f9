import Graphs
import Operators
import Tensors

/// Writes the nodes of a graph in the forms of one opset: attributes that became inputs and the
/// other way round, operators of dlrun's own as what they stand for.
struct Speller {
  /// Opset by domain, "" for ai.onnx.
  let opsets: [String: Int]
  /// The opset of ai.onnx that the model was written in.
  let original: Int
  let lookup: OperatorLookup
  /// The names of the operators that the model itself uses.
  let used: Set<String>
  /// Whether standard operators that the opset lacks become what they stand for. Otherwise a newer
  /// opset is looked for.
  let isForeign: Bool
  private(set) var graph = Graph()
  private var constants: [ValueID: Tensor] = [:]

  init(
    opsets: [String: Int], original: Int, used: Set<String>, lookup: OperatorLookup,
    isForeign: Bool = false
  ) {
    self.opsets = opsets
    self.original = original
    self.used = used
    self.lookup = lookup
    self.isForeign = isForeign
  }

  /// Expansions of expansions go so deep.
  private static let maxDepth = 16

  /// `source` with every node such that a reader of `opsets` makes the same operator of it.
  ///
  /// Errors: `.unsupported` with the node where there is no such form.
  func spelled(_ source: Graph, depth: Int = 0) throws(EngineError) -> Graph {
    var speller = Speller(
      opsets: opsets, original: original, used: used, lookup: lookup, isForeign: isForeign)
    return try speller.spellAll(source, depth)
  }

  private mutating func spellAll(_ source: Graph, _ depth: Int) throws(EngineError) -> Graph {
    graph = source
    graph.nodes = []
    for (id, tensor) in source.initializers { constants[id] = tensor }
    for id in source.inputs { constants[id] = nil }
    var formless: [(name: String, error: EngineError)] = []
    for (i, node) in source.nodes.enumerated() {
      do throws(EngineError) {
        let made = try spell(node, depth: 0)
        graph.nodes += isForeign ? made.map { withAxesFromTheFront($0) } : made
      } catch {
        let placed = error.at(node: source.nodeName(i), operatorName: node.type)
        guard isForeign, error.code == .unsupported else { throw placed }
        formless.append((source.nodeName(i), placed))
      }
    }
    if let first = formless.first { throw Speller.summary(formless.map(\.error), first.error) }
    guard depth < Graph.maxDepth else { return graph }
    var result = graph
    for i in result.nodes.indices where !result.nodes[i].subgraphs.isEmpty {
      try result.nodes[i].updateSubgraphs { (g: inout Graph) throws(EngineError) in
        g = try spelled(g, depth: depth + 1)
      }
    }
    return result
  }

  private func opset(_ node: Graph.Node) -> Int? {
    opsets[node.domain == "ai.onnx" ? "" : node.domain]
  }

  /// What a reader makes of a node; nil where it refuses it.
  private func read(_ node: Graph.Node) -> (any Operator)? {
    guard let version = opset(node) else { return nil }
    if isForeign, !isStandard(node, in: version) || !hasType(node, in: version) { return nil }
    var plain = node
    plain.op = nil
    return try? lookup.make(plain, version)
  }

  private mutating func spell(_ node: Graph.Node, depth: Int) throws(EngineError) -> [Graph.Node] {
    guard let op = node.op else {
      // An operator that nobody knows can only stay as it is.
      if opset(node) == original || !node.domain.isEmpty { return [node] }
      throw EngineError(.unsupported, "an unknown operator cannot be written in another opset")
    }
    let isOwn = node.domain == "ai.dlrun" || !isKnownElsewhere(op)
    if !isOwn {
      let node = isForeign ? flagged(node, op) : node
      if let renamed = renamed(node, op) { return [renamed] }
      if op is Attention, hasHeads(node), let plain = withoutCounts(node) { return [plain] }
      var candidate = node
      candidate.opset = nil
      if let made = read(candidate), isSame(made, op) { return [candidate] }
      candidate.attributes = op.attributes
      if let made = read(candidate), isSame(made, op) { return [candidate] }
      if isForeign, let plain = withoutDefaults(node, op) { return [plain] }
      if let moved = moved(candidate, op) { return [moved] }
    }
    guard depth < Self.maxDepth, let expanded = try expanded(node, op) else {
      let domain = node.domain.isEmpty ? "ai.onnx" : node.domain
      throw EngineError(
        .unsupported, "operator \(domain).\(node.type) has no form in the opset to be written",
        expected: isOwn
          ? "operators of the ONNX standard"
          : "a form of it in opset \(opset(node).map { "\($0)" } ?? "?") of \(domain)")
    }
    var result: [Graph.Node] = []
    for inner in expanded { result += try spell(inner, depth: depth + 1) }
    return result
  }

  // MARK: Other forms

  /// The node with attributes as inputs or inputs as attributes, as the opset has them.
  private mutating func moved(_ node: Graph.Node, _ op: any Operator) -> Graph.Node? {
    guard let version = opset(node) else { return nil }
    var node = node
    var rest = op.attributes
    var made: [(place: Int, tensor: Tensor)] = []
    var returned: Set<String> = []
    for form in MovedAttribute.all(node) {
      if version >= form.since {
        guard let i = rest.firstIndex(where: { $0.name == form.attribute }) else { continue }
        let dtype = node.inputs.first.flatMap { $0 }.flatMap { graph.values[$0.index].fact.dtype }
        let isTaken = form.input < node.inputs.count && node.inputs[form.input] != nil
        guard !isTaken, let tensor = form.tensor(rest[i].payload, data: dtype) else { return nil }
        rest.remove(at: i)
        made.append((form.input, tensor))
      } else if form.input < node.inputs.count, let id = node.inputs[form.input] {
        guard let tensor = constants[id] ?? graph.values[id.index].fact.constant,
          let payload = form.payload(tensor)
        else { return nil }
        node.inputs[form.input] = nil
        rest.append(Attribute(form.attribute, payload))
        returned.insert(form.attribute)
      }
    }
    guard !made.isEmpty || !returned.isEmpty else { return nil }
    while node.inputs.last == .some(nil) { node.inputs.removeLast() }
    // Only what is kept is added to the graph.
    var trial = node
    for (place, _) in made {
      while trial.inputs.count <= place { trial.inputs.append(nil) }
      trial.inputs[place] = ValueID(0)
    }
    trial.attributes = rest
    guard let read = read(trial), type(of: read) == type(of: op),
      haveSameAttributes(read.attributes, rest)
    else { return nil }
    for (place, tensor) in made {
      while node.inputs.count <= place { node.inputs.append(nil) }
      let id = graph.addInitializer("", tensor)
      constants[id] = tensor
      node.inputs[place] = id
    }
    node.attributes = rest
    node.op = read
    return hasSameResults(node, read) ? node : nil
  }

  /// Whether inference agrees with what is known of the node's outputs.
  func hasSameResults(_ node: Graph.Node, _ op: any Operator) -> Bool {
    let facts = node.inputs.map { $0.map { graph.values[$0.index].fact } }
    guard node.subgraphs.isEmpty else { return true }
    guard
      let results = try? op.infer(Inference(inputs: facts, outputCount: node.outputs.count))
    else { return false }
    for (id, fact) in zip(node.outputs, results) {
      guard let id, let old = graph.values[id.index].fact.tensorType, let new = fact.tensorType
      else { continue }
      if old != new { return false }
    }
    return true
  }

  /// Operators that a later opset has under another name.
  private mutating func renamed(_ node: Graph.Node, _ op: any Operator) -> Graph.Node? {
    guard let version = opsets[""], node.domain.isEmpty || node.domain == "ai.onnx" else {
      return nil
    }
    var node = node
    switch op {
    case let op as Upsample where version >= 10 && original < 10:
      var scales = node.inputs.count > 1 ? node.inputs[1] : nil
      if let list = op.scales {
        guard let tensor = try? Tensor(shape: [list.count], list) else { return nil }
        scales = graph.addInitializer("", tensor)
      }
      guard let scales else { return nil }
      node.type = "Resize"
      node.attributes = op.attributes.filter { $0.name == "mode" }
      node.inputs = [node.inputs.first.flatMap { $0 }, scales]
      if version >= 11 {
        node.attributes += [
          .string("coordinate_transformation_mode", "asymmetric"),
          .string("nearest_mode", "floor"),
        ]
        guard let none = try? Tensor(shape: [0], [Float]()) else { return nil }
        // Optional from opset 13.
        let roi = version < 13 ? graph.addInitializer("", none) : nil
        node.inputs.insert(roi, at: 1)
      }
    case let op as Resize where version >= 11 && op.isLegacy && isForeign:
      guard node.inputs.count == 2, let scales = node.inputs[1],
        let none = try? Tensor(shape: [0], [Float]())
      else { return nil }
      // What the old form does where it makes an axis smaller, the new one cannot say.
      if op.mode == .nearest {
        guard let list = constants[scales] ?? graph.values[scales.index].fact.constant,
          list.dtype == .float32, list.elements(Float.self).allSatisfy({ $0 >= 1 })
        else { return nil }
      }
      node.attributes = [
        .string("mode", op.mode.rawValue),
        .string("coordinate_transformation_mode", "asymmetric"), .string("nearest_mode", "floor"),
      ]
      // Optional from opset 13.
      let roi = version < 13 ? graph.addInitializer("", none) : nil
      node.inputs = [node.inputs[0], roi, scales]
    case is Scatter where version >= 11 && original < 11:
      node.type = "ScatterElements"
    default: return nil
    }
    guard let made = read(node) else { return nil }
    node.op = made
    return node
  }

  /// Whether an Attention has its heads along an axis of Q.
  private func hasHeads(_ node: Graph.Node) -> Bool {
    guard let q = node.inputs.first.flatMap({ $0 }) else { return false }
    return graph.values[q.index].fact.dims?.count == 4
  }

  /// An Attention without the numbers of heads, which the standard has for flat inputs alone; nil
  /// where it has none.
  private func withoutCounts(_ node: Graph.Node) -> Graph.Node? {
    var plain = node
    plain.opset = nil
    plain.attributes.removeAll { $0.name == "q_num_heads" || $0.name == "kv_num_heads" }
    guard plain.attributes.count < node.attributes.count, let made = read(plain),
      hasSameResults(plain, made)
    else { return nil }
    plain.op = made
    return plain
  }

  // MARK: Expansion

  /// Whether other runtimes run the operator with these attributes.
  private func isKnownElsewhere(_ op: any Operator) -> Bool {
    let functions: Set = ["", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid"]
    if let op = op as? FusedConv { return functions.contains(op.activation.name) }
    // Of opset 24, and without a kernel in ONNX Runtime 1.32.
    return !(op is Swish) || isForeign || used.contains("Swish")
  }

  /// The nodes that a composite stands for; nil for other operators.
  private mutating func expanded(
    _ node: Graph.Node, _ op: any Operator
  ) throws(EngineError) -> [Graph.Node]? {
    let builder = GraphBuilder()
    var ids: [ValueID?] = []
    for id in node.inputs {
      guard let id else {
        ids.append(nil)
        continue
      }
      let fact = graph.values[id.index].fact
      let tensor = constants[id] ?? fact.constant
      // Expansions may ask for constants; the value itself stays the graph's.
      ids.append(builder.graph.addInput("", tensor.map { Fact(constant: $0) } ?? fact))
    }
    let outputs: [ValueID]
    switch op {
    case let op as FusedConv: outputs = [try op.expand(builder, ids)]
    case let op as Swish:
      guard let x = ids.first.flatMap({ $0 }) else { return nil }
      var inner = x
      if op.alpha != 1 { inner = try builder.scaled(x, by: op.alpha) }
      outputs = [try builder.apply(Mul(), x, builder.apply(Sigmoid(), inner))]
    case let op as SumToShape:
      guard let sum = try op.expand(builder, ids) else { return nil }
      outputs = [sum]
    case let op as ConvInputGradient:
      guard let dx = try op.expand(builder, ids) else { return nil }
      outputs = [dx]
    case let op as ConvWeightGradient:
      guard let dw = try op.expand(builder, ids) else { return nil }
      outputs = [dw]
    case let op as WindowSum:
      guard let y = try op.expand(builder, ids) else { return nil }
      outputs = [y]
    case let op as WindowSpread:
      guard let dx = try op.expand(builder, ids) else { return nil }
      outputs = [dx]
    case let op as any CompositeOperator:
      outputs = try op.build(builder, Few(ids), outputs: node.outputs.count).array
    default:
      // Of many axes an optimised graph as well may have to leave its opset.
      let isSoftmax = op is Softmax || op is LogSoftmax || op is Hardmax
      guard isForeign || isSoftmax, let made = try standardForm(of: op, node, builder, ids) else {
        return nil
      }
      outputs = made
    }
    return take(builder.graph, for: node, ids, outputs)
  }

  /// The nodes of `inner` with the values of this graph.
  private mutating func take(
    _ inner: Graph, for node: Graph.Node, _ ids: [ValueID?], _ outputs: [ValueID]
  ) -> [Graph.Node] {
    var place: [ValueID: ValueID] = [:]
    for (mine, theirs) in zip(node.inputs, ids) { if let mine, let theirs { place[theirs] = mine } }
    for (id, tensor) in inner.initializers {
      let mine = graph.addInitializer("", tensor)
      constants[mine] = tensor
      place[id] = mine
    }
    var copies: [(from: ValueID, to: ValueID)] = []
    for (k, id) in outputs.enumerated() where k < node.outputs.count {
      guard let mine = node.outputs[k] else { continue }
      if place[id] == nil { place[id] = mine } else { copies.append((id, mine)) }
    }
    func value(_ id: ValueID) -> ValueID {
      if let known = place[id] { return known }
      let made = graph.addValue("", inner.values[id.index].fact)
      place[id] = made
      return made
    }
    var result: [Graph.Node] = []
    for var one in inner.nodes {
      one.inputs = one.inputs.map { $0.map(value) }
      one.outputs = one.outputs.map { $0.map(value) }
      result.append(one)
    }
    // An output that is an input or another output.
    for (from, to) in copies {
      var copy = Graph.Node(type: "Identity", inputs: [value(from)], outputs: [to])
      copy.op = Identity()
      result.append(copy)
    }
    if result.count == 1 { result[0].name = node.name }
    return result
  }
}
