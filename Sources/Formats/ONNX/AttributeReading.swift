import Graphs
import Tensors

extension ReadContext {
  /// An attribute; subgraphs add the values of `scope` that they use to `captured`.
  ///
  /// Errors: `.attribute` when the type does not fit the field that holds the value, a value is
  /// missing, or a reference stands outside a function.
  func attribute(
    _ message: UnsafeMutablePointer<PB.Attribute>, in scope: Scope?, inFunction: Bool,
    captured: inout [ValueID]
  ) throws(EngineError) -> Attribute {
    let m = message.pointee
    let name = text(m.name)
    guard !name.isEmpty else { throw EngineError(.attribute, "an attribute has no name") }
    let type = try typeCode(m, name)
    let payload: Attribute.Payload
    if let reference = m.ref_attr_name, reference.pointee != 0 {
      guard inFunction else {
        throw EngineError(
          .attribute, "attribute '\(name)' refers to '\(text(reference))' outside a function")
      }
      payload = .reference(text(reference), typeCode: type)
    } else {
      payload = try self.payload(
        m, type, name, in: scope, inFunction: inFunction, captured: &captured)
    }
    var attribute = Attribute(
      name, payload, doc: text(m.doc_string), unknownFields: unknownFields(m.base))
    switch payload {
    case .tensor:
      attribute.tensorFields =
        m.t.map { [keptFields($0.pointee, name: true, documents: true)] } ?? []
    case .tensors:
      attribute.tensorFields = list(m.n_tensors, m.tensors).map {
        keptFields($0.pointee, name: true, documents: true)
      }
    case .type(let type):
      if let t = m.tp { attribute.statedTypes = [try stated(t, type, name)] }
    case .types(let types):
      for (t, type) in zip(list(m.n_type_protos, m.type_protos), types) {
        attribute.statedTypes.append(try stated(t, type, name))
      }
    default: break
    }
    return attribute
  }

  /// What a type of an attribute says beyond `type`, as which it was read.
  private func stated(
    _ message: UnsafeMutablePointer<PB.TypeProto>, _ type: ValueType, _ name: String
  ) throws(EngineError) -> Graph.StatedType? {
    try declaredType(message, name).stated.map { Graph.StatedType(type, $0.bytes) }
  }

  /// The fields that hold a value, by the type each belongs to.
  private static func used(_ m: PB.Attribute) -> [Int32] {
    typealias T = PB.AttributeType
    var types: [Int32] = []
    if m.has_f != 0 { types.append(T.float) }
    if m.has_i != 0 { types.append(T.int) }
    if m.has_s != 0 { types.append(T.string) }
    if m.t != nil { types.append(T.tensor) }
    if m.g != nil { types.append(T.graph) }
    if m.tp != nil { types.append(T.type) }
    if m.sparse_tensor != nil { types.append(T.sparse) }
    if m.n_floats > 0 { types.append(T.floats) }
    if m.n_ints > 0 { types.append(T.ints) }
    if m.n_strings > 0 { types.append(T.strings) }
    if m.n_tensors > 0 { types.append(T.tensors) }
    if m.n_graphs > 0 { types.append(T.graphs) }
    if m.n_sparse_tensors > 0 { types.append(T.sparses) }
    if m.n_type_protos > 0 { types.append(T.types) }
    return types
  }

  private static let typeNames = [
    "undefined", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings",
    "tensors", "graphs", "sparse tensor", "sparse tensors", "type", "types",
  ]
  private static func typeName(_ code: Int32) -> String {
    typeNames.indices.contains(Int(code)) ? typeNames[Int(code)] : "type \(code)"
  }

  /// The stated type, or the one of the only field used where an old file states none.
  private func typeCode(_ m: PB.Attribute, _ name: String) throws(EngineError) -> Int32 {
    let used = ReadContext.used(m)
    let isReference = (m.ref_attr_name?.pointee ?? 0) != 0
    if m.has_type != 0, m.type != 0 {
      guard m.type >= 1, m.type <= 14 else {
        throw EngineError(
          .attribute, "attribute '\(name)' has an unknown type", expected: "1 to 14",
          received: "\(m.type)")
      }
      guard isReference ? used.isEmpty : used.allSatisfy({ $0 == m.type }) else {
        throw EngineError(
          .attribute, "attribute '\(name)' has a value of another type",
          expected: isReference ? "a reference alone" : ReadContext.typeName(m.type),
          received: used.map(ReadContext.typeName).joined(separator: " and "))
      }
      return m.type
    }
    if isReference, used.isEmpty { return 0 }
    guard used.count == 1, !isReference else {
      throw EngineError(
        .attribute, "attribute '\(name)' has no type", expected: "one value",
        received: "\(used.count)")
    }
    return used[0]
  }

  private func payload(
    _ m: PB.Attribute, _ type: Int32, _ name: String, in scope: Scope?, inFunction: Bool,
    captured: inout [ValueID]
  ) throws(EngineError) -> Attribute.Payload {
    typealias T = PB.AttributeType
    let place = "attribute '\(name)'"
    // Some writers leave out scalars that are zero.
    switch type {
    case T.float: return .float(m.has_f != 0 ? m.f : 0)
    case T.int: return .int(m.has_i != 0 ? m.i : 0)
    case T.string: return .string(Array(bytes(m.s)))
    case T.floats: return .floats(Array(scalars(m.n_floats, m.floats)))
    case T.ints: return .ints(Array(scalars(m.n_ints, m.ints)))
    case T.strings: return .strings(scalars(m.n_strings, m.strings).map { Array(bytes($0)) })
    case T.tensors:
      var tensors: [Tensor] = []
      for t in list(m.n_tensors, m.tensors) { tensors.append(try tensor(t, place)) }
      return .tensors(tensors)
    case T.graphs:
      var graphs: [Graph] = []
      for g in list(m.n_graphs, m.graphs) {
        graphs.append(try subgraph(g, in: scope, inFunction: inFunction, captured: &captured))
      }
      return .graphs(graphs)
    case T.sparses:
      var tensors: [SparseTensor] = []
      for t in list(m.n_sparse_tensors, m.sparse_tensors) { tensors.append(try sparse(t, place)) }
      return .sparses(tensors)
    case T.types:
      var types: [ValueType] = []
      for t in list(m.n_type_protos, m.type_protos) {
        types.append(try declaredType(t, place).type)
      }
      return .types(types)
    case T.tensor: if let t = m.t { return .tensor(try tensor(t, place)) }
    case T.sparse: if let t = m.sparse_tensor { return .sparse(try sparse(t, place)) }
    case T.type: if let t = m.tp { return .type(try declaredType(t, place).type) }
    case T.graph:
      if let g = m.g {
        return .graph(try subgraph(g, in: scope, inFunction: inFunction, captured: &captured))
      }
    default: break
    }
    throw EngineError(
      .attribute, "attribute '\(name)' has no value", expected: ReadContext.typeName(type))
  }

  private func subgraph(
    _ message: UnsafeMutablePointer<PB.Graph>, in scope: Scope?, inFunction: Bool,
    captured: inout [ValueID]
  ) throws(EngineError) -> Graph {
    let inner = try graph(message, parent: scope ?? Scope(parent: nil), inFunction: inFunction)
    captured += inner.captured
    return inner.graph
  }
}
