import Graphs
import Tensors

extension ReadContext {
  /// A node, with the values its subgraphs use listed in `captured`.
  ///
  /// Errors: `.invalidModel` naming the node, for an input that nobody makes, no operator type, or
  /// an attribute that appears twice; those of the attributes.
  func node(
    _ message: UnsafeMutablePointer<PB.Node>, _ index: Int, in scope: Scope, inFunction: Bool
  ) throws(EngineError) -> Graph.Node {
    let m = message.pointee
    let type = text(m.op_type)
    let name = text(m.name)
    do throws(EngineError) {
      guard !type.isEmpty else { throw EngineError(.invalidModel, "the node has no operator type") }
      var inputs: [ValueID?] = []
      for (i, input) in texts(m.n_input, m.input).enumerated() {
        if input.isEmpty {
          inputs.append(nil)
          continue
        }
        guard let id = scope.resolve(input) else {
          throw EngineError(
            .invalidModel, "input \(i) ('\(input)') is made by no node, input or initializer")
        }
        inputs.append(id)
      }
      // Declared before any node was read.
      let outputs = texts(m.n_output, m.output).map { $0.isEmpty ? nil : scope.find($0) }
      var node = Graph.Node(
        name: name, type: type, domain: ReadContext.domain(m.domain), inputs: inputs,
        outputs: outputs)
      node.overload = text(m.overload)
      node.doc = text(m.doc_string)
      node.metadata = metadata(m.n_metadata_props, m.metadata_props)
      node.unknownFields = unknownFields(m.base)
      for device in list(m.n_device_configurations, m.device_configurations) {
        node.unknownFields += field(10, device)
      }
      var names: Set<String> = []
      for item in list(m.n_attribute, m.attribute) {
        let attribute = try attribute(
          item, in: scope, inFunction: inFunction, captured: &node.captured)
        guard names.insert(attribute.name).inserted else {
          throw EngineError(.invalidModel, "attribute '\(attribute.name)' appears twice")
        }
        node.attributes.append(attribute)
      }
      return node
    } catch {
      throw error.at(node: name.isEmpty ? "#\(index)" : name, operatorName: type)
    }
  }

  /// The domain of the standard operators has two names; the empty one is used here.
  static func domain(_ field: UnsafeMutablePointer<CChar>?) -> String {
    let name = text(field)
    return name == "ai.onnx" ? "" : name
  }
}
