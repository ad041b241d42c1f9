import Graphs
import Tensors

/// Serialises a model's graphs, functions and attributes, fields in the order of their numbers.
struct GraphWriter {
  var table: NameTable
  let external: ExternalPlacement?

  /// A `GraphProto`. `captured` names the values around it that it uses.
  mutating func graph(_ graph: Graph, captured: [String] = []) -> Wire {
    let names = table.names(of: graph, captured: captured)
    var w = Wire()
    for node in graph.nodes { w.message(1, self.node(node, names)) }
    w.text(2, graph.name)
    let declared = Set(graph.inputs + graph.outputs)
    for (id, tensor) in graph.initializers {
      let info = graph.values[id.index]
      // What an undeclared value says was said by its tensor.
      let own = !info.isDeclared && !declared.contains(id)
      w.message(
        5,
        .tensor(
          tensor, name: names[id.index], doc: own ? info.doc : "",
          metadata: own ? info.metadata : [], kept: graph.tensorFields[id] ?? [],
          external: external))
    }
    w.text(10, graph.doc)
    for id in graph.inputs { w.message(11, info(graph.values[id.index], names[id.index])) }
    for id in graph.outputs { w.message(12, info(graph.values[id.index], names[id.index])) }
    let described = declared.union(graph.captures)
    for (i, value) in graph.values.enumerated()
    where value.isDeclared && !described.contains(ValueID(i)) {
      w.message(13, info(value, names[i]))
    }
    for (id, tensor) in graph.sparseInitializers {
      w.message(15, .sparse(tensor, name: names[id.index], external: external))
    }
    for m in graph.metadata { w.message(16, .entry(m)) }
    w.raw(graph.unknownFields)
    return w
  }

  private func info(_ value: Graph.ValueInfo, _ name: String) -> Wire {
    var w = Wire()
    w.string(1, name)
    if let stated = value.statedType, stated.type == value.fact.type {
      w.bytes(2, stated.bytes)
    } else if value.fact.type != .tensor(nil, nil) || !value.typeDenotation.isEmpty {
      w.message(
        2,
        .type(
          value.fact.type, denotations: value.denotations, denotation: value.typeDenotation))
    }
    w.text(3, value.doc)
    for m in value.metadata { w.message(4, .entry(m)) }
    w.raw(value.unknownFields)
    return w
  }

  private mutating func node(_ node: Graph.Node, _ names: [String]) -> Wire {
    var w = Wire()
    for id in node.inputs { w.string(1, id.map { names[$0.index] } ?? "") }
    for id in node.outputs { w.string(2, id.map { names[$0.index] } ?? "") }
    w.text(3, node.name)
    w.text(4, node.type)
    var captured = node.captured.map { names[$0.index] }[...]
    for a in node.attributes { w.message(5, attribute(a, &captured)) }
    w.text(6, node.doc)
    w.text(7, node.domain)
    w.text(8, node.overload)
    for m in node.metadata { w.message(9, .entry(m)) }
    w.raw(node.unknownFields)
    return w
  }

  /// An `AttributeProto`; each subgraph takes the names of its captures off `captured`.
  mutating func attribute(_ a: Attribute, _ captured: inout ArraySlice<String>) -> Wire {
    typealias T = PB.AttributeType
    func taken(_ g: Graph) -> [String] {
      let names = Array(captured.prefix(g.captures.count))
      captured = captured.dropFirst(g.captures.count)
      return names
    }
    var w = Wire()
    w.string(1, a.name)
    // Fields beside the value, which come before and after it by number.
    var after = Wire()
    let type: Int32
    switch a.payload {
    case .float(let v):
      w.float(2, v)
      type = T.float
    case .int(let v):
      w.int(3, v)
      type = T.int
    case .string(let v):
      w.bytes(4, v)
      type = T.string
    case .tensor(let t):
      w.message(5, .tensor(t, kept: a.tensorFields.first ?? [], external: external))
      type = T.tensor
    case .graph(let g):
      w.message(6, graph(g, captured: taken(g)))
      type = T.graph
    case .floats(let list):
      for v in list { w.float(7, v) }
      type = T.floats
    case .ints(let list):
      for v in list { w.int(8, v) }
      type = T.ints
    case .strings(let list):
      for v in list { w.bytes(9, v) }
      type = T.strings
    case .tensors(let list):
      for (i, t) in list.enumerated() {
        let kept = i < a.tensorFields.count ? a.tensorFields[i] : []
        w.message(10, .tensor(t, kept: kept, external: external))
      }
      type = T.tensors
    case .graphs(let list):
      for g in list { w.message(11, graph(g, captured: taken(g))) }
      type = T.graphs
    case .type(let t):
      after.message(14, stated(t, a, 0))
      type = T.type
    case .types(let list):
      for (i, t) in list.enumerated() { after.message(15, stated(t, a, i)) }
      type = T.types
    case .sparse(let s):
      w.text(13, a.doc)
      w.int(20, Int64(T.sparse))
      w.message(22, .sparse(s, external: external))
      w.raw(a.unknownFields)
      return w
    case .sparses(let list):
      w.text(13, a.doc)
      w.int(20, Int64(T.sparses))
      for s in list { w.message(23, .sparse(s, external: external)) }
      w.raw(a.unknownFields)
      return w
    case .reference(let name, let code):
      after.int(20, Int64(code))
      after.string(21, name)
      w.text(13, a.doc)
      w.raw(after.joined())
      w.raw(a.unknownFields)
      return w
    }
    w.text(13, a.doc)
    w.raw(after.joined())
    w.int(20, Int64(type))
    w.raw(a.unknownFields)
    return w
  }

  /// A `FunctionProto`.
  mutating func function(_ f: Function) -> Wire {
    var functionTable = GraphWriter(table: NameTable(f.body), external: external)
    let names = functionTable.table.names(of: f.body, captured: [])
    var w = Wire()
    w.string(1, f.name)
    for id in f.body.inputs { w.string(4, names[id.index]) }
    for id in f.body.outputs { w.string(5, names[id.index]) }
    for name in f.attributeNames { w.string(6, name) }
    for node in f.body.nodes { w.message(7, functionTable.node(node, names)) }
    w.text(8, f.doc)
    // Dictionaries have no order; the name gives one.
    for (domain, version) in f.opsets.sorted(by: { $0.key < $1.key }) {
      w.message(9, GraphWriter.opset(domain, version, f.opsetFields[domain]))
    }
    w.text(10, f.domain)
    var none: ArraySlice<String> = []
    for a in f.defaults { w.message(11, functionTable.attribute(a, &none)) }
    for (i, value) in f.body.values.enumerated() where value.isDeclared {
      w.message(12, info(value, names[i]))
    }
    w.text(13, f.overload)
    for m in f.metadata { w.message(14, .entry(m)) }
    w.raw(f.unknownFields)
    return w
  }

  /// A type of an attribute.
  private func stated(_ type: ValueType, _ a: Attribute, _ i: Int) -> Wire {
    guard i < a.statedTypes.count, let stated = a.statedTypes[i], stated.type == type else {
      return .type(type)
    }
    var w = Wire()
    w.raw(stated.bytes)
    return w
  }

  static func opset(_ domain: String, _ version: Int, _ unknown: [UInt8]?) -> Wire {
    var w = Wire()
    w.string(1, domain)
    w.int(2, Int64(version))
    w.raw(unknown ?? [])
    return w
  }
}
