import Compiler
import Graphs
import Operators
import Tensors

/// One pass over a graph and its bodies that gives floats another type.
struct PrecisionWalk {
  let target: DType
  let lookup: OperatorLookup
  var weights: PrecisionWeights
  /// Whether the outermost inputs and outputs keep their types.
  let keptPorts: Bool
  var kept: [String: Int] = [:]

  static let sources: Set<DType> = [.float16, .bfloat16, .float32]

  /// A graph on its way.
  struct Site {
    var graph: Graph
    var nodes: [Graph.Node] = []
    var constants: [ValueID: Tensor] = [:]
    /// What stands for a value of the graph as it was, by type.
    var forms: [ValueID: [DType: ValueID]] = [:]
    /// The type that a value has now, where that is another than it had.
    var types: [ValueID: DType] = [:]
    /// Results of casts that are none any more, and what they cast.
    var aliases: [ValueID: ValueID] = [:]

    func type(_ id: ValueID) -> DType? { types[id] ?? graph.values[id.index].fact.dtype }

    mutating func setType(_ id: ValueID, _ dtype: DType) {
      types[id] = dtype
      if case .tensor(_, let dims) = graph.values[id.index].fact.type {
        graph.values[id.index].fact = Fact(.tensor(dtype, dims))
        graph.values[id.index].statedType = nil
      }
    }
  }

  /// Whether a value is a tensor whose type may change.
  private func isFloat(_ id: ValueID, _ site: Site) -> Bool {
    let fact = site.graph.values[id.index].fact
    return fact.isTensor && fact.dtype.map { Self.sources.contains($0) } == true
  }

  /// - `captured`: the types of the graph's captures.
  mutating func convert(
    _ graph: inout Graph, captured: [DType?], isBody: Bool = false, keepsPorts: Bool? = nil
  ) throws(EngineError) {
    let keeps = keepsPorts ?? keptPorts
    var site = Site(graph: graph)
    for (id, tensor) in graph.initializers { site.constants[id] = tensor }
    for (id, dtype) in zip(graph.captures, captured) { if let dtype { site.setType(id, dtype) } }
    var defaults = Set<ValueID>()
    for id in graph.inputs {
      if site.constants[id] != nil { defaults.insert(id) }
      // A default is no constant.
      site.constants[id] = nil
      if !keeps, isFloat(id, site) { site.setType(id, target) }
    }
    if !keeps {
      for k in site.graph.initializers.indices {
        let (id, tensor) = site.graph.initializers[k]
        guard defaults.contains(id), Self.sources.contains(tensor.dtype) else { continue }
        site.graph.initializers[k].tensor = try weights.convert(graph.name(id), tensor)
      }
    }
    let wanted = graph.outputs.map { (id) -> DType? in
      guard isFloat(id, site) else { return nil }
      return keeps ? graph.values[id.index].fact.dtype : target
    }
    for i in graph.nodes.indices { try convertNode(i, &site) }
    try finish(&site, wanted)
    graph = site.graph
    graph.nodes = site.nodes
  }

  // MARK: Nodes

  private mutating func convertNode(_ i: Int, _ site: inout Site) throws(EngineError) {
    if !site.aliases.isEmpty {
      let aliases = site.aliases
      let old = site.graph.nodes[i]
      site.graph.nodes[i].inputs = old.inputs.map { $0.map { aliases[$0] ?? $0 } }
      site.graph.nodes[i].captured = old.captured.map { aliases[$0] ?? $0 }
    }
    var node = site.graph.nodes[i]
    let schema = lookup.schema(node.domain, node.type)
    let takes = convertibleInputs(node, schema, site)
    let hadFloats = node.inputs.contains { $0.map { isFloat($0, site) } == true }
    var isKept = false
    for (k, id) in node.inputs.enumerated() {
      guard let id, isFloat(id, site) || site.types[id] != nil else { continue }
      // Any type is as good for a Cast.
      if node.type == "Cast", site.constants[id] == nil { continue }
      let before = site.graph.nodes[i].inputs[k].flatMap { originalType($0, site) }
      let want = takes(k) ? target : before ?? target
      if want != target { isKept = true }
      node.inputs[k] = try form(of: id, as: want, &site)
    }
    if isKept, hadFloats { kept[node.type, default: 0] += 1 }
    if !node.subgraphs.isEmpty { try convertBodies(&node, &site, takes) }
    try retarget(&node, schema)
    if isIdle(node, site), let x = node.inputs.first.flatMap({ $0 }),
      let y = node.outputs.first.flatMap({ $0 }), !site.graph.outputs.contains(y)
    {
      site.aliases[y] = x
      return
    }
    node.op = nil
    let results = outputTypes(node, i, site, takes)
    for (k, id) in node.outputs.enumerated() {
      guard let id, isFloat(id, site), let dtype = results[k] else { continue }
      if dtype != site.graph.values[id.index].fact.dtype { site.setType(id, dtype) }
    }
    site.nodes.append(node)
  }

  /// Whether a node is a cast between floats of one type.
  private func isIdle(_ node: Graph.Node, _ site: Site) -> Bool {
    guard node.type == "Cast", let x = node.inputs.first.flatMap({ $0 }), site.constants[x] == nil,
      isFloat(x, site), let to = node.attributes.first(where: { $0.name == "to" }),
      case .int(let code) = to.payload
    else { return false }
    return site.type(x).map { Int64($0.rawValue) } == code
  }

  /// The type that a value had before the conversion: of constants their own.
  private func originalType(_ id: ValueID, _ site: Site) -> DType? {
    if let tensor = site.constants[id] { return tensor.dtype }
    // What was converted was a source; the widest serves every operator.
    return site.types[id] == nil ? site.graph.values[id.index].fact.dtype : .float32
  }

  /// Whether input `k` of the node may have the target's type.
  private func convertibleInputs(
    _ node: Graph.Node, _ schema: Schema?, _ site: Site
  ) -> (Int) -> Bool {
    guard let schema, node.type != "SequenceMap" else { return { _ in false } }
    let holdsContainers = (node.inputs + node.outputs).contains { id in
      id.map { !site.graph.values[$0.index].fact.isTensor } == true
    }
    if holdsContainers, schema.domain.isEmpty, node.subgraphs.isEmpty { return { _ in false } }
    if node.type == "QuantizeLinear" || node.type == "DequantizeLinear",
      (lookup.opset("") ?? 0) < 19
    {
      return { _ in false }
    }
    if schema.domain.isEmpty,
      !ElementTypesOfVersions.allows(target, node.type, opset: lookup.opset("") ?? 0)
    {
      return { _ in false }
    }
    // Inputs that share a letter share a type, and outputs with them.
    var refused: Set<String> = []
    for (k, id) in node.inputs.enumerated() {
      guard id != nil, let p = schema.input(k), !p.letter.isEmpty else { continue }
      if !p.types.contains(target) { refused.insert(p.letter) }
    }
    for p in schema.outputs where !p.letter.isEmpty && !p.types.contains(target) {
      refused.insert(p.letter)
    }
    return { k in
      guard let p = schema.input(k) else { return false }
      return p.types.contains(target) && !refused.contains(p.letter)
    }
  }

  /// The types of the node's results, by inference and else by its letters.
  private func outputTypes(
    _ node: Graph.Node, _ i: Int, _ site: Site, _ takes: (Int) -> Bool
  ) -> [DType?] {
    let old = site.graph.nodes[i].outputs.map {
      $0.flatMap { site.graph.values[$0.index].fact.dtype }
    }
    if !node.subgraphs.isEmpty {
      let bodies = node.subgraphs.map(\.outputs.count)
      return old.map { $0.map { Self.sources.contains($0) && !bodies.isEmpty ? target : $0 } }
    }
    let facts = node.inputs.map { (id) -> Fact? in
      id.map { site.graph.values[$0.index].fact }
    }
    guard let op = try? lookup.bind(node),
      let results = try? op.infer(Inference(inputs: facts, outputCount: node.outputs.count))
    else { return old }
    return old.enumerated().map { k, was in k < results.count ? results[k].dtype ?? was : was }
  }

  /// Types that attributes name, and constants that they hold.
  private mutating func retarget(
    _ node: inout Graph.Node, _ schema: Schema?
  ) throws(EngineError) {
    let names: Set = ["to", "dtype", "output_dtype", "output_datatype"]
    for k in node.attributes.indices {
      let name = node.attributes[k].name
      switch node.attributes[k].payload {
      case .int(let code) where names.contains(name):
        guard let dtype = UInt8(exactly: code).flatMap({ DType(rawValue: $0) }),
          Self.sources.contains(dtype), schema?.outputs.first?.types.contains(target) == true
        else { continue }
        node.attributes[k].payload = .int(Int64(target.rawValue))
      case .tensor(let t)
      where name == "value" && Self.sources.contains(t.dtype)
        && ["Constant", "ConstantOfShape"].contains(node.type):
        node.attributes[k].payload = .tensor(try weights.convert(node.name, t))
      case .float(let v) where node.type == "Constant" && target != .float32:
        node.attributes[k] = .tensor("value", try weights.convert(node.name, Tensor(scalar: v)))
      case .floats(let v) where node.type == "Constant" && target != .float32:
        node.attributes[k] = .tensor("value", try weights.convert(node.name, Tensor(v)))
      default: break
      }
    }
  }

  private mutating func convertBodies(
    _ node: inout Graph.Node, _ site: inout Site, _ takes: (Int) -> Bool
  ) throws(EngineError) {
    node.captured = try node.captured.map { (id) throws(EngineError) in
      site.constants[id] != nil && isFloat(id, site) ? try form(of: id, as: target, &site) : id
    }
    var types = node.captured.map { id -> DType? in
      Self.sources.contains(site.type(id) ?? .bool) ? site.type(id) : nil
    }[...]
    // A body of elements of sequences has their types, which stay.
    let keeps = node.type == "SequenceMap"
    var me = self
    try node.updateSubgraphs { (body: inout Graph) throws(EngineError) in
      let mine = Array(types.prefix(body.captures.count))
      types = types.dropFirst(body.captures.count)
      try me.convert(&body, captured: mine, isBody: true, keepsPorts: keeps)
    }
    self = me
  }

  // MARK: Forms of values

  /// The value in the type `want`: a constant of it, or a cast.
  private mutating func form(
    of id: ValueID, as want: DType, _ site: inout Site
  ) throws(EngineError) -> ValueID {
    if let known = site.forms[id]?[want] { return known }
    if let tensor = site.constants[id] {
      return try constantForm(of: id, tensor, as: want, &site)
    }
    if site.type(id) == want { return id }
    let made = addCast(of: id, to: want, &site)
    site.forms[id, default: [:]][want] = made
    return made
  }

  private mutating func constantForm(
    of id: ValueID, _ tensor: Tensor, as want: DType, _ site: inout Site
  ) throws(EngineError) -> ValueID {
    let isFirst = site.forms[id] == nil && !site.graph.outputs.contains(id)
    if tensor.dtype == want {
      site.forms[id, default: [:]][want] = id
      return id
    }
    let made =
      want == target
      ? try weights.convert(site.graph.name(id), tensor)
      : try Eager().apply(Cast(to: want), tensor)
    var place = id
    if isFirst {
      // The first form takes the value's place; others are made of the tensor as it was.
      if let k = site.graph.initializers.firstIndex(where: { $0.id == id }) {
        site.graph.initializers[k].tensor = made
      }
      site.graph.values[id.index].fact = Fact(constant: made)
      site.graph.values[id.index].statedType = nil
      site.types[id] = want
    } else {
      let name = site.graph.values[id.index].name
      place = site.graph.addInitializer(name.isEmpty ? "" : unique("\(name)_\(want)", site), made)
    }
    site.forms[id, default: [:]][want] = place
    return place
  }

  private func addCast(of id: ValueID, to want: DType, _ site: inout Site) -> ValueID {
    let dims = site.graph.values[id.index].fact.dims
    let name = site.graph.values[id.index].name
    let full = name.isEmpty ? "" : unique("\(name)_\(want)", site)
    let made = site.graph.addValue(full, Fact(.tensor(want, dims)))
    site.types[made] = want
    var cast = Graph.Node(
      name: full.isEmpty ? "" : "\(full)_cast", type: "Cast", inputs: [id], outputs: [made])
    cast.attributes = [.dtype("to", want)]
    site.nodes.append(cast)
    return made
  }

  private func unique(_ name: String, _ site: Site) -> String {
    var candidate = name
    var k = 1
    while site.graph.values.contains(where: { $0.name == candidate }) {
      k += 1
      candidate = "\(name)_\(k)"
    }
    return candidate
  }

  // MARK: Outputs

  /// Gives outputs the types they are to have, by casts that take their names.
  private mutating func finish(_ site: inout Site, _ wanted: [DType?]) throws(EngineError) {
    for (k, id) in site.graph.outputs.enumerated() {
      guard let want = wanted[k], let now = site.type(id), now != want else { continue }
      guard site.constants[id] == nil, !site.graph.inputs.contains(id),
        !site.graph.captures.contains(id)
      else {
        // Nothing here can have another type: a value of its own has.
        site.graph.outputs[k] = try form(of: id, as: want, &site)
        continue
      }
      let info = site.graph.values[id.index]
      let inner = site.graph.addValue(
        info.name.isEmpty ? "" : unique("\(info.name)_\(now)", site), info.fact)
      site.types[inner] = now
      for j in site.nodes.indices {
        site.nodes[j].outputs = site.nodes[j].outputs.map { $0 == id ? inner : $0 }
        site.nodes[j].inputs = site.nodes[j].inputs.map { $0 == id ? inner : $0 }
        site.nodes[j].captured = site.nodes[j].captured.map { $0 == id ? inner : $0 }
      }
      site.setType(id, want)
      var cast = Graph.Node(
        name: info.name.isEmpty ? "" : "\(info.name)_cast", type: "Cast", inputs: [inner],
        outputs: [id])
      cast.attributes = [.dtype("to", want)]
      site.nodes.append(cast)
    }
  }
}
