import Graphs
import Tensors

/// The derivatives by each of `xs` of the sum of the products of each seed's value and upstream,
/// with the nodes that compute them added to the graph of `b`. A value on which nothing depends has
/// none.
///
/// - `path`: the places of the nodes that lead to the seeds' values, in order.
/// - Errors: `.notDifferentiable` and others from the operators' rules, with the node.
func differentiate(
  _ b: GraphBuilder, _ path: [Int], seeds: [(value: ValueID, upstream: ValueID)],
  by xs: [ValueID]
) throws(EngineError) -> [ValueID: ValueID] {
  var dependent = Set(xs)
  var active: [Int] = []
  for i in path {
    let node = b.graph.nodes[i]
    guard (node.inputs.compactMap { $0 } + node.captured).contains(where: dependent.contains)
    else { continue }
    active.append(i)
    dependent.formUnion(node.outputs.compactMap { $0 })
  }
  var derivatives: [ValueID: ValueID] = [:]
  func add(_ part: ValueID, to id: ValueID) throws(EngineError) {
    derivatives[id] = if let sum = derivatives[id] { try b.sum(sum, part) } else { part }
  }
  func isWanted(_ id: ValueID) -> Bool {
    dependent.contains(id) && b.fact(of: id).dtype?.isFloat != false
  }
  for seed in seeds where isWanted(seed.value) { try add(seed.upstream, to: seed.value) }
  for i in active.reversed() {
    // Rules may use every output, so those that nobody wanted are made as well.
    for k in b.graph.nodes[i].outputs.indices where b.graph.nodes[i].outputs[k] == nil {
      b.graph.nodes[i].outputs[k] = b.graph.addValue("", Fact(nil, nil))
    }
    let node = b.graph.nodes[i]
    let outputs = node.outputs.compactMap { $0 }
    let upstreams = outputs.map { derivatives[$0] }
    guard upstreams.contains(where: { $0 != nil }), let op = node.op else { continue }
    var needed: UInt64 = 0
    for (k, id) in node.inputs.enumerated() where k < 64 {
      if let id, isWanted(id) { needed |= 1 << UInt64(k) }
    }
    var g = Backward(
      inputs: Few(node.inputs), outputs: Few(outputs), upstreams: Few(upstreams), needed: needed,
      captured: node.captured, neededCaptured: node.captured.map(isWanted))
    do throws(EngineError) {
      try op.gradientIntoGraph(b, &g)
    } catch { throw error.at(node: node.name, operatorName: node.type) }
    for (k, id) in node.inputs.enumerated() {
      guard let id, isWanted(id), let part = g.result(k) else { continue }
      try add(part, to: id)
    }
    for (k, id) in node.captured.enumerated() {
      if isWanted(id), let part = g.givenCaptured[k] { try add(part, to: id) }
    }
  }
  return derivatives
}
