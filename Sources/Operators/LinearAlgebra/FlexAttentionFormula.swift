import Graphs
import Tensors

extension FlexAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard scoreMod == nil, probMod == nil else { throw onlyInGraphs(Self.schema.name) }
    return Few(try attention(b, inputs) { (x, _) throws(EngineError) in x })
  }

  /// What is attended to; `modified` has the scores, then with `true` the probabilities.
  private func attention<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>,
    modified: (B.Value, Bool) throws(EngineError) -> B.Value
  ) throws(EngineError) -> B.Value {
    guard let q = inputs[0], let k = inputs[1], let v = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let dtype = b.fact(of: q).dtype, let heads = b.fact(of: q).dims?[1].known,
      let keyHeads = b.fact(of: k).dims?[1].known, let size = b.fact(of: q).dims?[3].known,
      let valueSize = b.fact(of: v).dims?[3].known
    else { throw EngineError(.notDifferentiable, "the heads and their sizes are not known") }
    /// Each key head for all the query heads that it serves.
    func spread(_ x: B.Value, _ size: Int) throws(EngineError) -> B.Value {
      if heads == keyHeads { return x }
      let shape = try b.constant(Tensor([1, 1, Int64(heads / max(1, keyHeads)), 1, 1]))
      let wide = try b.apply(Expand(), b.apply(Unsqueeze(axes: [2]), x), shape)
      return try reshape(b, wide, [0, heads, -1, size])
    }
    let type = softmaxType(dtype)
    let wide: DType = type == .float64 || dtype == .float64 ? .float64 : .float32
    func cast(_ x: B.Value, _ to: DType) throws(EngineError) -> B.Value {
      b.fact(of: x).dtype == to ? x : try b.apply(Cast(to: to), x)
    }
    let factor = scale.map { Double($0) } ?? 1 / Double(max(1, size)).squareRoot()
    let product = try b.apply(
      MatMul(), times(b, cast(q, wide), factor),
      b.apply(Transpose(perm: [0, 1, 3, 2]), spread(cast(k, wide), size)))
    let scores = try modified(cast(product, type), false)
    let probs = try modified(b.apply(Softmax(), scores), true)
    let y = try b.apply(MatMul(), cast(probs, wide), spread(cast(v, wide), valueSize))
    return try cast(y, dtype)
  }

  /// The graphs are written out between the products, and all of it is differentiated.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    let first = b.graph.nodes.count
    let captured = split(g.captured)
    let y = try attention(b, g.inputs) { (x, isProbs) throws(EngineError) in
      guard let mod = isProbs ? probMod : scoreMod else { return x }
      return try b.inlined(
        mod.graph, [x], captured: isProbs ? captured.prob : captured.score)[0]
    }
    let wanted = (0..<3).filter { g.needs($0) }
    let captures = g.captured.indices.filter { g.needsCaptured($0) }
    var targets = captures.map { g.captured[$0] }
    for i in wanted { targets.append(try g.input(i)) }
    let derivatives = try differentiate(
      b, Array(first..<b.graph.nodes.count), seeds: [(y, g.upstream())], by: targets)
    for i in wanted { if let part = derivatives[try g.input(i)] { g.give(i, part) } }
    for i in captures { if let part = derivatives[g.captured[i]] { g.giveCaptured(i, part) } }
  }
}

extension GraphBuilder {
  /// Adds the nodes of a graph that an operator holds; its outputs.
  func inlined(
    _ body: Graph, _ inputs: [ValueID], captured: [ValueID]
  ) throws(EngineError) -> [ValueID] {
    var known: [ValueID: Fact] = [:]
    var places: [ValueID: ValueID] = [:]
    for (mine, outer) in zip(body.inputs + body.captures, inputs + captured) {
      known[mine] = Fact(fact(of: outer).type)
      places[mine] = outer
    }
    var inner = body
    try inner.inferFacts(
      using: OperatorSet.builtIn.lookup(opsets: [("", 25)]), inputs: known, options: .lenient)
    func place(_ id: ValueID) -> ValueID {
      if let found = places[id] { return found }
      let made = graph.addValue("", inner.values[id.index].fact)
      places[id] = made
      return made
    }
    for (id, t) in inner.initializers { places[id] = try constant(t) }
    for var node in inner.nodes {
      node.name = ""
      node.inputs = node.inputs.map { $0.map(place) }
      node.captured = node.captured.map(place)
      node.outputs = node.outputs.map { $0.map(place) }
      graph.nodes.append(node)
    }
    return inner.outputs.map(place)
  }
}
