import Graphs
import Tensors

extension Planner {
  /// Plans the operators a composite stands for, in its place.
  mutating func addComposite(
    _ op: any Operator, _ inputs: [Int?], _ facts: [Fact?], _ wanted: [Bool], _ node: Int
  ) throws(EngineError) -> [Int?] {
    let builder = GraphBuilder()
    var ids: [ValueID?] = []
    var slotOfInner: [Int: Int] = [:]
    for (k, fact) in facts.enumerated() {
      guard let fact, let slot = inputs[k] else {
        ids.append(nil)
        continue
      }
      let id = builder.graph.addInput("", fact)
      ids.append(id)
      slotOfInner[id.index] = slot
    }
    let outputs = try op.build(builder, Few(ids), outputs: wanted.count)
    for (id, tensor) in builder.graph.initializers { slotOfInner[id.index] = addConstant(tensor) }
    for inner in builder.graph.nodes {
      guard let innerOp = inner.op else { continue }
      let use = Use(
        op: innerOp, schema: type(of: innerOp).schema,
        inputs: inner.inputs.map { $0.flatMap { slotOfInner[$0.index] } },
        wanted: inner.outputs.map { $0 != nil }, cacheAt: nil,
        isExpanded: ProgramStep.expands(innerOp), hasSubgraphs: false)
      let results = try addOperator(use, [], node: node)
      for (id, slot) in zip(inner.outputs, results) {
        if let id, let slot { slotOfInner[id.index] = slot }
      }
    }
    return wanted.enumerated().map { (k, w) in
      w && k < outputs.count ? slotOfInner[outputs[k].index] : nil
    }
  }
}
