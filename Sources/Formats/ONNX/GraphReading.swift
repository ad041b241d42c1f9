import Graphs
import Tensors

extension ReadContext {
  /// A graph, its names resolved and its nodes in an order in which they can run.
  ///
  /// Errors: `.invalidModel` for a name made twice or by nobody, or a cycle; those of tensors,
  /// types, attributes and subgraphs.
  func graph(
    _ message: UnsafeMutablePointer<PB.Graph>, parent: Scope?, inFunction: Bool
  ) throws(EngineError) -> Scope {
    let m = message.pointee
    let scope = Scope(parent: parent)
    scope.graph.name = text(m.name)
    scope.graph.doc = text(m.doc_string)
    scope.graph.metadata = metadata(m.n_metadata_props, m.metadata_props)
    scope.graph.unknownFields = unknownFields(m.base)
    for a in list(m.n_quantization_annotation, m.quantization_annotation) {
      scope.graph.unknownFields += field(14, a)
    }
    for item in list(m.n_input, m.input) {
      let name = text(item.pointee.name)
      let id = try declareNew(name, "graph input", in: scope)
      scope.graph.inputs.append(id)
      try describe(id, item, in: scope)
    }
    try readInitializers(m, in: scope)
    let nodes = list(m.n_node, m.node)
    let outputs = list(m.n_output, m.output)
    try count(nodes: nodes.count)
    for node in nodes {
      for name in texts(node.pointee.n_output, node.pointee.output) where !name.isEmpty {
        _ = try declareNew(name, "node output", in: scope)
      }
    }
    for item in outputs + list(m.n_value_info, m.value_info) {
      // Types stated of values that nobody makes, or stated twice, say nothing.
      guard let id = scope.find(text(item.pointee.name)),
        !scope.graph.values[id.index].isDeclared
      else { continue }
      try describe(id, item, in: scope)
    }
    try readNodes(nodes, in: scope, inFunction: inFunction)
    var listed: Set<ValueID> = []
    for item in outputs {
      let name = text(item.pointee.name)
      guard !name.isEmpty, let id = scope.resolve(name) else {
        throw EngineError(.invalidModel, "graph output '\(name)' is made by no node")
      }
      guard listed.insert(id).inserted || parent != nil else {
        throw EngineError(.invalidModel, "graph output '\(name)' is listed twice")
      }
      scope.graph.outputs.append(id)
    }
    return scope
  }

  func readNodes(
    _ nodes: [UnsafeMutablePointer<PB.Node>], in scope: Scope, inFunction: Bool
  ) throws(EngineError) {
    for (i, node) in nodes.enumerated() {
      scope.graph.nodes.append(try self.node(node, i, in: scope, inFunction: inFunction))
    }
    try scope.graph.sortNodes()
  }

  func declareNew(
    _ name: String, _ role: String, in scope: Scope
  ) throws(EngineError) -> ValueID {
    guard !name.isEmpty else { throw EngineError(.invalidModel, "a \(role) has no name") }
    guard scope.find(name) == nil else {
      throw EngineError(.invalidModel, "the value '\(name)' is made twice (\(role))")
    }
    return scope.declare(name, Fact(nil, nil))
  }

  /// Takes over what the file states of a value.
  func describe(
    _ id: ValueID, _ message: UnsafeMutablePointer<PB.ValueInfo>, in scope: Scope
  ) throws(EngineError) {
    let m = message.pointee
    let name = scope.graph.values[id.index].name
    var info = scope.graph.values[id.index]
    info.isDeclared = true
    info.doc = text(m.doc_string)
    info.metadata = metadata(m.n_metadata_props, m.metadata_props)
    info.unknownFields = unknownFields(m.base)
    if let type = m.type {
      let declared = try declaredType(type, "value '\(name)'")
      if info.fact.constant == nil { info.fact.type = declared.type }
      info.denotations = declared.denotations
      info.typeDenotation = declared.denotation
      info.statedType = declared.stated.map { Graph.StatedType(info.fact.type, $0.bytes) }
    }
    scope.graph.values[id.index] = info
  }

  private func readInitializers(_ m: PB.Graph, in scope: Scope) throws(EngineError) {
    var seen: Set<String> = []
    for item in list(m.n_initializer, m.initializer) {
      let name = text(item.pointee.name)
      let tensor = try tensor(item, "initializer '\(name)'")
      let id = try initializerID(name, Fact(constant: tensor), &seen, in: scope)
      if !scope.graph.values[id.index].isDeclared {
        // Undeclared values take what their tensor says; the writer gives it back to the tensor.
        scope.graph.values[id.index].doc = text(item.pointee.doc_string)
        scope.graph.values[id.index].metadata = metadata(
          item.pointee.n_metadata_props, item.pointee.metadata_props)
      }
      let kept = keptFields(
        item.pointee, name: false, documents: scope.graph.values[id.index].isDeclared)
      if !kept.isEmpty { scope.graph.tensorFields[id] = kept }
      scope.graph.initializers.append((id, tensor))
    }
    for item in list(m.n_sparse_initializer, m.sparse_initializer) {
      let name = text(item.pointee.values?.pointee.name)
      let sparse = try sparse(item, "sparse initializer '\(name)'", keepsName: false)
      let fact = Fact(.sparseTensor(sparse.values.dtype, sparse.dims.map { Dim($0) }))
      let id = try initializerID(name, fact, &seen, in: scope)
      scope.graph.sparseInitializers.append((id, sparse))
    }
  }

  private func initializerID(
    _ name: String, _ fact: Fact, _ seen: inout Set<String>, in scope: Scope
  ) throws(EngineError) -> ValueID {
    guard !name.isEmpty else { throw EngineError(.invalidModel, "an initializer has no name") }
    guard seen.insert(name).inserted else {
      throw EngineError(.invalidModel, "initializer '\(name)' appears twice")
    }
    guard let id = scope.find(name) else { return scope.declare(name, fact) }
    // A default for a graph input, which the caller may replace.
    let declared = scope.graph.values[id.index].fact.dtype
    guard declared == nil || declared == fact.dtype else {
      throw EngineError(
        .invalidModel, "initializer '\(name)' differs in type from the input of that name",
        expected: declared.map { "\($0)" }, received: fact.dtype.map { "\($0)" })
    }
    return id
  }
}
