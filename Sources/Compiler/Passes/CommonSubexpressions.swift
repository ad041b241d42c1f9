import Graphs
import Operators
import Tensors

enum CommonSubexpressions: Pass {
  static let name = "merge-equal"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "two nodes with equal operators and the same inputs, and equal small constants",
    makes: "one of each, used by all who used either",
    why: "a deterministic operator gives the same results for the same inputs")

  /// Bytes of a constant up to which it is compared with others.
  private static let constantBytes = 4096

  private struct Key: Hashable {
    let op: AnyHashable
    let inputs: [ValueID?]
    let outputs: Int
  }

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    mergeConstants(g)
    var seen: [Key: Int] = [:]
    for i in g.orderedNodes() {
      let node = g.node(i)
      guard let op = node.op, type(of: op).schema.isDeterministic, node.subgraphs.isEmpty,
        node.captured.isEmpty, !node.outputs.isEmpty
      else { continue }
      let key = Key(op: erased(op), inputs: node.inputs, outputs: node.outputs.count)
      guard let first = seen[key] else {
        seen[key] = i
        continue
      }
      merge(g, i, into: first)
    }
  }

  private static func erased<Op: Operator>(_ op: Op) -> AnyHashable { AnyHashable(op) }

  private static func merge(_ g: GraphEditor, _ i: Int, into first: Int) {
    var pairs: [(old: ValueID, new: ValueID)] = []
    for (new, old) in zip(g.node(first).outputs, g.node(i).outputs) {
      guard let old else { continue }
      // Two outputs of the graph need a value each.
      guard let new, !(g.isOutput(old) && g.isOutput(new)) else { return }
      pairs.append((old, new))
    }
    for (old, new) in pairs { g.replace(old, with: new) }
    g.note(i, "\(name): the same as '\(g.node(first).name)'")
    g.remove(i)
  }

  private static func mergeConstants(_ g: GraphEditor) {
    var seen: [TensorAttribute: ValueID] = [:]
    for (id, tensor) in g.graph.initializers
    where tensor.byteCount <= constantBytes && tensor.dtype != .string {
      guard g.isInitializer(id), !g.users(id).isEmpty, !g.isOutput(id) else { continue }
      if let first = seen[TensorAttribute(tensor)] {
        if first != id { g.replace(id, with: first) }
      } else {
        seen[TensorAttribute(tensor)] = id
      }
    }
  }
}
