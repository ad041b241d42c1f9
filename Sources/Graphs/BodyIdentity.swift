import Tensors

extension Graph {
  /// Whether another graph is this one, or was made of it by inferring facts: the same nodes on the
  /// same values with the same constants. What is known of values may differ.
  func isSameBody(as other: Graph) -> Bool {
    guard name == other.name, inputs == other.inputs, outputs == other.outputs,
      captures == other.captures, values.count == other.values.count,
      nodes.count == other.nodes.count, initializers.count == other.initializers.count
    else { return false }
    return zip(values, other.values).allSatisfy { $0.name == $1.name }
      && zip(initializers, other.initializers).allSatisfy {
        $0.id == $1.id && $0.tensor.storage === $1.tensor.storage
      }
      && zip(nodes, other.nodes).allSatisfy { $0.isSame(as: $1) }
  }
}

extension Graph.Node {
  fileprivate func isSame(as other: Graph.Node) -> Bool {
    type == other.type && domain == other.domain && inputs == other.inputs
      && outputs == other.outputs && captured == other.captured
      && attributes.count == other.attributes.count
      && zip(attributes, other.attributes).allSatisfy {
        $0.name == $1.name && $0.payload.isSame(as: $1.payload)
      }
  }
}

extension Attribute.Payload {
  fileprivate func isSame(as other: Attribute.Payload) -> Bool {
    switch (self, other) {
    case (.graph(let a), .graph(let b)): a.isSameBody(as: b)
    case (.graphs(let a), .graphs(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.isSameBody(as: $1) }
    case (.tensor(let a), .tensor(let b)): a.storage === b.storage
    case (.tensors(let a), .tensors(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.storage === $1.storage }
    // What is left are numbers and text, which print as they are.
    default: "\(self)" == "\(other)"
    }
  }
}
