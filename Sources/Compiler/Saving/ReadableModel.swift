import Graphs
import Operators
import Tensors

extension ModelGraph {
  /// Gives every node of a graph that the compiler made a form from which reading makes the
  /// operator that the node has, and imports the domains that nodes are of. Nodes of a version
  /// beside the imported one say so: see `Graph.Node.opset`.
  ///
  /// Types of values inside the graph are left out, since planning infers them.
  ///
  /// Errors: `.unsupported` naming a node that has no such form.
  package mutating func makeReadable(
    opsets imported: [String: Int], using operators: OperatorSet
  ) throws(EngineError) {
    var versions = imported
    var graph = self.graph
    for i in graph.nodes.indices {
      do throws(EngineError) {
        try graph.nodes[i].makeReadable(imported, operators)
      } catch {
        throw error.at(node: graph.nodeName(i), operatorName: graph.nodes[i].type)
      }
    }
    for domain in graph.allDomains where versions[domain] == nil { versions[domain] = 1 }
    let ports = Set(graph.inputs + graph.outputs)
    for i in graph.values.indices where !ports.contains(ValueID(i)) {
      graph.values[i].isDeclared = false
      graph.values[i].metadata = []
      graph.values[i].doc = ""
    }
    self.graph = graph
    opsets = versions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

extension Graph.Node {
  fileprivate mutating func makeReadable(
    _ imported: [String: Int], _ operators: OperatorSet
  ) throws(EngineError) {
    let domain = self.domain == "ai.onnx" ? "" : self.domain
    guard let op else { return }
    let schema = Swift.type(of: op).schema
    var plain = self
    plain.op = nil
    var forms: [Graph.Node] = []
    // As the file has it, then as the newest version has it.
    if opset != nil || imported[domain] != nil { forms.append(plain) }
    plain.attributes = op.attributes
    plain.opset = schema.newestOpset(
      knowing: op.attributes, inputs: inputs.count, outputs: outputs.count,
      newest: domain.isEmpty ? Optimizer.newestOpset : schema.versions.last ?? 1)
    if plain.opset != nil { forms.append(plain) }
    for form in forms {
      guard let version = form.opset ?? imported[domain] else { continue }
      if let read = try? operators.make(form, opset: version), isSame(read, op) {
        self = form
        return
      }
    }
    throw EngineError(.unsupported, "the compiled node cannot be written")
  }
}

extension Graph {
  /// The domains of all nodes, those in bodies among them.
  fileprivate var allDomains: Set<String> {
    var result: Set<String> = []
    for node in nodes {
      result.insert(node.domain == "ai.onnx" ? "" : node.domain)
      for g in node.subgraphs { result.formUnion(g.allDomains) }
    }
    return result
  }
}
