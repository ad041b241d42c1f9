import Graphs
import Tensors

extension ReadContext {
  /// An operator that the model defines. Its body sees nothing of the model's graph.
  ///
  /// Errors: `.invalidModel` when it has no name or its body breaks a rule of graphs.
  func function(_ message: UnsafeMutablePointer<PB.Function>) throws(EngineError) -> Function {
    let m = message.pointee
    let name = text(m.name)
    guard !name.isEmpty else { throw EngineError(.invalidModel, "a function has no name") }
    do throws(EngineError) {
      let scope = Scope(parent: nil)
      scope.graph.name = name
      for input in texts(m.n_input, m.input) {
        scope.graph.inputs.append(try declareNew(input, "function input", in: scope))
      }
      let nodes = list(m.n_node, m.node)
      try count(nodes: nodes.count)
      for node in nodes {
        for output in texts(node.pointee.n_output, node.pointee.output) where !output.isEmpty {
          _ = try declareNew(output, "node output", in: scope)
        }
      }
      for item in list(m.n_value_info, m.value_info) {
        guard let id = scope.find(text(item.pointee.name)),
          !scope.graph.values[id.index].isDeclared
        else { continue }
        try describe(id, item, in: scope)
      }
      try readNodes(nodes, in: scope, inFunction: true)
      for output in texts(m.n_output, m.output) {
        guard let id = scope.find(output) else {
          throw EngineError(.invalidModel, "function output '\(output)' is made by no node")
        }
        scope.graph.outputs.append(id)
      }
      var function = Function(
        name: name, domain: ReadContext.domain(m.domain), body: scope.graph)
      function.overload = text(m.overload)
      function.doc = text(m.doc_string)
      function.attributeNames = texts(m.n_attribute, m.attribute)
      function.metadata = metadata(m.n_metadata_props, m.metadata_props)
      function.unknownFields = unknownFields(m.base)
      for (domain, version) in try opsets(list(m.n_opset_import, m.opset_import)) {
        function.opsets[domain] = version
      }
      function.opsetFields = opsetFields(list(m.n_opset_import, m.opset_import))
      var captured: [ValueID] = []
      for item in list(m.n_attribute_proto, m.attribute_proto) {
        function.defaults.append(
          try attribute(item, in: nil, inFunction: false, captured: &captured))
      }
      try checkNames(function)
      return function
    } catch {
      throw EngineError(
        error.code, "function '\(name)': \(error.message)", expected: error.expected,
        received: error.received, hint: error.hint, subject: error.subject, cause: error.cause)
    }
  }

  private func checkNames(_ function: Function) throws(EngineError) {
    var names: Set<String> = []
    for name in function.attributeNames + function.defaults.map(\.name) {
      guard names.insert(name).inserted else {
        throw EngineError(.invalidModel, "attribute '\(name)' is declared twice")
      }
    }
  }

  /// By domain, what an import says beside its version.
  func opsetFields(_ items: [UnsafeMutablePointer<PB.OpsetID>]) -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for item in items {
      let fields = unknownFields(item.pointee.base)
      if !fields.isEmpty { result[ReadContext.domain(item.pointee.domain)] = fields }
    }
    return result
  }

  /// Domains and versions, each domain once, "ai.onnx" under its short name "". An import that is
  /// there again with the same version, as skl2onnx writes it, is left out.
  func opsets(
    _ items: [UnsafeMutablePointer<PB.OpsetID>]
  ) throws(EngineError) -> [(domain: String, version: Int)] {
    var result: [(domain: String, version: Int)] = []
    var domains: Set<String> = []
    for item in items {
      let domain = ReadContext.domain(item.pointee.domain)
      let shown = domain.isEmpty ? "ai.onnx" : domain
      let version = item.pointee.has_version != 0 ? item.pointee.version : 0
      guard domains.insert(domain).inserted else {
        if result.contains(where: { $0.domain == domain && $0.version == version }) { continue }
        throw EngineError(.invalidModel, "the opset of domain '\(shown)' is imported twice")
      }
      guard version >= 0, version <= Int64(Int32.max) else {
        throw EngineError(
          .invalidModel, "the opset version of domain '\(shown)' is illegal",
          received: "\(version)")
      }
      if domain.isEmpty {
        guard version >= 1 else {
          throw EngineError(.invalidModel, "the opset version of ai.onnx is missing")
        }
        guard version <= ONNXReader.newestOpset else {
          throw EngineError(
            .unsupported, "the model needs a newer opset",
            expected: "at most \(ONNXReader.newestOpset)", received: "\(version)",
            hint: "export it with an older opset, or update dlrun")
        }
      }
      result.append((domain, Int(version)))
    }
    return result
  }
}
