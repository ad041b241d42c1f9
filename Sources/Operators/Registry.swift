import Graphs
import Tensors

/// Every built-in operator, family by family: the one place that lists them.
public enum Registry {
  static let families: [[any Operator.Type]] = [
    Activation.operators, Arithmetic.operators, Classical.operators, Comparison.operators,
    Constants.operators, Containers.operators, ContribFusions.operators,
    ContribQuantization.operators, ContribTransformers.operators, Control.operators,
    Convolution.operators, Indexing.operators, Layout.operators, LinearAlgebra.operators,
    Loss.operators, Normalization.operators, Optimization.operators, Pooling.operators,
    Quantization.operators, Random.operators, Recurrent.operators, Reduction.operators,
    Signal.operators, Text.operators, Trees.operators, Vision.operators,
  ]

  /// All operators, sorted by domain and name.
  public static let all: [any Operator.Type] = families.joined().sorted {
    ($0.schema.domain, $0.schema.name) < ($1.schema.domain, $1.schema.name)
  }

  private static let byName: [Key: any Operator.Type] = {
    var table: [Key: any Operator.Type] = [:]
    for type in families.joined() {
      let schema = type.schema
      table[Key(domain: schema.domain, name: schema.name)] = type
    }
    return table
  }()
  private struct Key: Hashable {
    let domain: String
    let name: String
  }

  /// The operator of this name; "ai.onnx" and "" are one domain.
  public static func find(domain: String, name: String) -> (any Operator.Type)? {
    byName[Key(domain: domain == "ai.onnx" ? "" : domain, name: name)]
  }

  /// The operator of a node, its attributes decoded for the opset version.
  ///
  /// Errors: `.unsupported` for an unknown operator or a version before its first,
  /// `.attribute` for attributes that are missing, unknown or wrong.
  public static func make(
    _ node: Graph.Node, opset: Int
  ) throws(EngineError) -> any Operator {
    guard let type = find(domain: node.domain, name: node.type) else {
      let domain = node.domain.isEmpty ? "ai.onnx" : node.domain
      throw EngineError(
        .unsupported, "operator \(node.type) of domain \(domain) is not known",
        hint: "`dlrun ops` lists the operators", subject: .init(operatorName: node.type))
    }
    let schema = type.schema
    do throws(EngineError) {
      if let first = schema.versions.first, opset < first {
        throw EngineError(
          .unsupported, "the operator does not exist in opset \(opset)",
          expected: "opset \(first) or later")
      }
      for a in node.attributes where !schema.attributes.contains(where: { $0.name == a.name }) {
        throw EngineError(
          .attribute, "unknown attribute '\(a.name)'",
          expected: schema.attributes.isEmpty
            ? "none" : "one of " + schema.attributes.map(\.name).joined(separator: ", "))
      }
      try schema.checkArity(inputs: node.inputs.map { $0 != nil }, outputs: node.outputs.count)
      return try type.init(
        reading: AttributeReader(
          schema.name, opset: opset, attributes: node.attributes, inputCount: node.inputs.count,
          outputCount: node.outputs.count))
    } catch { throw error.at(operatorName: schema.name) }
  }
}
