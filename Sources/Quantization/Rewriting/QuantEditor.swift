import Graphs
import Operators
import Tensors

/// A graph editor that names what it adds.
final class QuantEditor {
  let g: GraphEditor
  private var used: Set<String>
  private var nodeNames: Set<String>

  init(_ prepared: PreparedModel) {
    g = GraphEditor(prepared.graph, using: prepared.lookup)
    used = Set(prepared.graph.values.map(\.name))
    nodeNames = Set(prepared.graph.nodes.map(\.name))
  }

  func name(_ v: ValueID) -> String { g.graph.name(v) }

  private static func unique(_ wanted: String, _ used: inout Set<String>) -> String {
    var name = wanted
    var k = 1
    while !used.insert(name).inserted {
      k += 1
      name = "\(wanted)_\(k)"
    }
    return name
  }

  func constant(_ tensor: Tensor, _ name: String) -> ValueID {
    g.addConstant(tensor, name: Self.unique(name, &used))
  }

  func value(_ name: String, _ fact: Fact) -> ValueID {
    g.addValue(Self.unique(name, &used), fact)
  }

  /// Adds a node of one result, which gets the name of the node.
  ///
  /// Errors: those of the operator's inference.
  @discardableResult
  func add(
    _ op: any Operator, _ inputs: [ValueID?], _ name: String, at place: Int
  ) throws(EngineError) -> ValueID {
    guard let made = try addAll(op, inputs, [name], name, at: place).first else {
      throw EngineError(.internalDefect, "an operator has no result")
    }
    return made
  }

  /// Adds a node whose results have these names.
  func addAll(
    _ op: any Operator, _ inputs: [ValueID?], _ results: [String], _ name: String, at place: Int
  ) throws(EngineError) -> [ValueID] {
    let schema = type(of: op).schema
    let facts: [Fact]
    do throws(EngineError) {
      facts = try op.infer(
        Inference(inputs: inputs.map { $0.map { g.fact($0) } }, outputCount: results.count))
    } catch { throw error.at(node: name, operatorName: schema.name) }
    let outputs = zip(results, facts).map { value($0, $1) }
    append(op, inputs, outputs, name, at: place)
    return outputs
  }

  /// Adds a node that makes values there are.
  func append(
    _ op: any Operator, _ inputs: [ValueID?], _ outputs: [ValueID?], _ name: String, at place: Int
  ) {
    let name = Self.unique(name, &nodeNames)
    g.append(Self.node(op, inputs, outputs, name), at: place)
  }

  /// Puts a node in the place of one, whose name and result it gets.
  func replace(_ node: Int, with op: any Operator, _ inputs: [ValueID?]) {
    let old = g.node(node)
    let result = old.outputs.first.flatMap { $0 }
    g.append(Self.node(op, inputs, [result], old.name), at: node)
    g.remove(node)
  }

  private static func node(
    _ op: any Operator, _ inputs: [ValueID?], _ outputs: [ValueID?], _ name: String
  ) -> Graph.Node {
    let schema = type(of: op).schema
    var node = Graph.Node(
      name: name, type: schema.name, domain: schema.domain, attributes: op.attributes,
      inputs: inputs, outputs: outputs)
    node.op = op
    return node
  }
}
