import Graphs
import Tensors

extension If {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw onlyInGraphs(Self.schema.name)
  }

  /// Another If, whose branches compute what the branch was and then its gradients by all captured
  /// values: zeros by those of the other branch.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    let wanted = g.captured.indices.filter { g.needsCaptured($0) }
    guard !wanted.isEmpty else { return }
    var ups: [(output: Int, value: ValueID)] = []
    for i in 0..<g.upstreams.count { if let up = g.upstreams[i] { ups.append((i, up)) } }
    let facts = g.captured.map { b.fact(of: $0) }
    let first = (thenIsFirst ? thenBranch : elseBranch).graph.captures.count
    func branch(_ own: Graph, _ range: Range<Int>) throws(EngineError) -> Graph {
      let body = try BodyGradient(own, inputs: [], captured: Array(facts[range]))
      body.builder.graph.captures = []
      var values: [ValueID] = []
      for (i, fact) in facts.enumerated() {
        if range.contains(i) {
          values.append(body.captures[i - range.lowerBound])
          body.builder.graph.captures.append(values[i])
        } else {
          values.append(body.capture(fact))
        }
      }
      var seeds: [(value: ValueID, upstream: ValueID)] = []
      for up in ups {
        seeds.append((body.outputs[up.output], body.capture(b.fact(of: up.value))))
      }
      let derivatives = try body.derive(
        seeds: seeds, by: wanted.filter { range.contains($0) }.map { values[$0] })
      for i in wanted {
        try body.output(derivatives, of: values[i])
      }
      return body.builder.graph
    }
    let (mine, other) = (0..<first, first..<facts.count)
    let op = If(
      then: try branch(thenBranch.graph, thenIsFirst ? mine : other),
      otherwise: try branch(elseBranch.graph, thenIsFirst ? other : mine))
    let all = g.captured + ups.map { $0.value }
    let results = b.add(
      op, [try g.input(0)], captured: all + all, outputs: wanted.map { Fact(facts[$0].type) })
    for (k, i) in wanted.enumerated() { g.giveCaptured(i, results[k]) }
  }
}
