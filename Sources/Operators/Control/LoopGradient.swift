import Graphs
import Tensors

extension Loop {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw onlyInGraphs(Self.schema.name)
  }

  /// The loop once more with what it carried kept for every step, and `StepsGradient`.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    let count = g.inputs.count - 2
    let own = body.graph
    var kept = keepingInputs(own, [0] + (0..<count).map { $0 + 2 })
    kept.name = own.name
    var facts: [Fact] = []
    for i in 0..<g.outputs.count { facts.append(Fact(b.fact(of: g.outputs[i]).type)) }
    let steps = Dim(symbol: "steps_\(b.graph.values.count)")
    facts.append(Fact(.int64, [steps]))
    for k in 0..<count {
      let value = try g.input(k + 2)
      guard let dims = b.fact(of: value).dims else {
        throw EngineError(.notDifferentiable, "a carried value is no tensor of known rank")
      }
      facts.append(Fact(b.fact(of: value).dtype, [steps] + dims))
    }
    let again = b.add(
      Loop(body: kept), g.inputs.array, captured: g.captured, outputs: facts)
    let first = own.outputs.count - 1
    let wanted = g.captured.indices.filter { g.needsCaptured($0) }
    var gradient = StepsGradient(
      b: b, body: own, count: try b.apply(Size(), again[first]), firstInput: 2, firstOutput: 1,
      carried: (0..<count).map { (again[first + 1 + $0], g.upstreams[$0]) },
      numberInput: 0, conditionInput: 1, captured: g.captured, wantedCaptured: wanted)
    for s in count..<g.outputs.count {
      guard let up = g.upstreams[s] else { continue }
      gradient.slicedOutputs.append(
        .init(port: s + 1, value: up, axis: 0, isReversed: false))
    }
    let result = try gradient.build()
    for k in 0..<count where g.needs(k + 2) {
      if let part = result.carried[k] { g.give(k + 2, part) }
    }
    for (n, i) in wanted.enumerated() { g.giveCaptured(i, result.captured[n]) }
  }
}
