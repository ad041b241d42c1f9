import Graphs
import Tensors

extension Scan {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw onlyInGraphs(Self.schema.name)
  }

  /// The scan once more with its states kept for every step, and `StepsGradient`.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    guard !isBatched else {
      throw EngineError(.notDifferentiable, "the form of opset 8, with sequence lengths")
    }
    let own = body.graph
    let states = g.inputs.count - scanInputs
    let outputs = own.outputs.count
    var facts: [Fact] = []
    for i in 0..<g.outputs.count { facts.append(Fact(b.fact(of: g.outputs[i]).type)) }
    let source = try g.input(states)
    let axis = try normalisedAxis(inputAxes[0], rank: knownRank(b, source))
    let steps = b.fact(of: source).dims?[axis] ?? 0
    for k in 0..<states {
      let fact = b.fact(of: try g.input(k))
      guard let dims = fact.dims else {
        throw EngineError(.notDifferentiable, "the rank of a state is not known")
      }
      facts.append(Fact(fact.dtype, [steps] + dims))
    }
    let zeros = [Int](repeating: 0, count: states)
    let keeping = Scan(
      body: keepingInputs(own, Array(0..<states)), scanInputs: scanInputs, inputAxes: inputAxes,
      inputDirections: inputDirections, outputAxes: outputAxes + zeros,
      outputDirections: outputDirections + zeros)
    let again = b.add(keeping, g.inputs.array, captured: g.captured, outputs: facts)
    let wanted = g.captured.indices.filter { g.needsCaptured($0) }
    let count = try b.apply(Squeeze(axes: [0]), size(b, source, axis))
    var gradient = StepsGradient(
      b: b, body: own, count: count, firstInput: 0, firstOutput: 0,
      carried: (0..<states).map { (again[outputs + $0], g.upstreams[$0]) },
      captured: g.captured, wantedCaptured: wanted)
    for m in 0..<scanInputs {
      gradient.slicedInputs.append(
        .init(
          port: states + m, value: try g.input(states + m), axis: inputAxes[m],
          isReversed: inputDirections[m] == 1, isWanted: g.needs(states + m)))
    }
    for s in states..<g.outputs.count {
      guard let up = g.upstreams[s] else { continue }
      gradient.slicedOutputs.append(
        .init(
          port: s, value: up, axis: outputAxes[s - states],
          isReversed: outputDirections[s - states] == 1))
    }
    let result = try gradient.build()
    for k in 0..<states where g.needs(k) {
      if let part = result.carried[k] { g.give(k, part) }
    }
    for (n, i) in wanted.enumerated() { g.giveCaptured(i, result.captured[n]) }
    let sliced = gradient.slicedInputs.filter {
      $0.isWanted && b.fact(of: $0.value).dtype?.isFloat == true
    }
    for (n, s) in sliced.enumerated() {
      var part = result.sliced[n]
      if !s.isReversed {
        // The loop began with the last step.
        func one(_ v: Int64) throws(EngineError) -> ValueID { try b.constant(Tensor([v])) }
        part = try b.apply(
          Slice(), inputs: [part, try one(-1), try one(Int64.min / 2), try one(0), try one(-1)])
      }
      let rank = try knownRank(b, s.value)
      let at = try normalisedAxis(s.axis, rank: rank)
      if at > 0 {
        part = try b.apply(
          Transpose(perm: Array(1...at) + [0] + Array(at + 1..<rank)), part)
      }
      g.give(s.port, part)
    }
  }
}
