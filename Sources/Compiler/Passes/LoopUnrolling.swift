import Graphs
import Operators
import Tensors

enum LoopUnrolling: Pass {
  static let name = "unroll-loops"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a Loop of few iterations, their number known before the run, that no condition ends",
    makes: "the nodes of its body once for each iteration, and a Concat for each collected result",
    why: "they are what the Loop would run, one iteration after the other")

  static let maxTrips = 32
  static let maxNodes = 256

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Loop {
      guard let body = g.node(i).subgraphs.first, let trips = trips(g, i, body) else {
        g.miss(i, "\(name): the number of iterations is not known before the run")
        continue
      }
      if options.level >= BagFusion.level, options.lastStage == .layout, BagLoop(g, i) != nil {
        g.miss(i, "\(name): it becomes an EmbeddingBag")
        continue
      }
      guard trips <= maxTrips, trips * body.nodes.count <= maxNodes,
        body.nodes.allSatisfy({ $0.subgraphs.isEmpty })
      else {
        g.miss(i, "\(name): the iterations have too many nodes")
        continue
      }
      if let results = try unrolled(g, i, body, trips, options) {
        g.note(i, "\(name): became its \(trips) iterations")
        g.settle(i, results)
      }
    }
  }

  /// Iterations, from 1, where nothing else ends the loop.
  private static func trips(_ g: GraphEditor, _ i: Int, _ body: Graph) -> Int? {
    guard let n = g.ints(g.input(i, 0))?.first, n >= 1, body.inputs.count >= 2,
      let goesOn = body.outputs.first
    else { return nil }
    if let start = g.input(i, 1), g.scalar(start) != 1 { return nil }
    var v = goesOn
    // An Identity may stand between the condition and what it is made of.
    for _ in 0..<4 {
      if v == body.inputs[1] { return n }
      if isTrue(body.values[v.index].fact.constant) { return n }
      if isTrue(body.initializers.first(where: { $0.id == v })?.tensor) { return n }
      guard let maker = body.nodes.first(where: { $0.outputs.contains(v) }), maker.op is Identity,
        let source = maker.inputs.first, let source
      else { return nil }
      v = source
    }
    return nil
  }

  private static func isTrue(_ t: Tensor?) -> Bool {
    guard let t, t.dtype == .bool, t.count == 1 else { return false }
    return t.elements(Bool.self)[0]
  }

  private static func unrolled(
    _ g: GraphEditor, _ i: Int, _ body: Graph, _ trips: Int, _ options: PassOptions
  ) throws(EngineError) -> [ValueID]? {
    let node = g.node(i)
    var carried = node.inputs.dropFirst(2).compactMap { $0 }
    guard carried.count == max(0, node.inputs.count - 2),
      body.inputs.count == carried.count + 2, body.outputs.count >= carried.count + 1,
      body.outputs.count - 1 >= node.outputs.count
    else { return nil }
    let goesOn = g.addConstant(try Tensor(scalar: true))
    var collected = [[ValueID?]](
      repeating: [], count: body.outputs.count - 1 - carried.count)
    for k in 0..<trips {
      let number = g.addConstant(try Tensor(scalar: Int64(k)))
      guard
        let results = try g.inline(
          body, inputs: [number, goesOn] + carried, captured: node.captured, at: i,
          suffix: "_\(k)")
      else { return nil }
      carried = Array(results[1..<(1 + carried.count)])
      for (j, v) in results.dropFirst(1 + carried.count).enumerated() {
        collected[j].append(try unsqueezed(g, v, at: i, options))
      }
    }
    var results = carried
    for list in collected {
      if list.count == 1, let only = list[0] {
        results.append(only)
      } else {
        results.append(try g.addOne(Concat(axis: 0), list, at: i))
      }
    }
    return results
  }

  private static func unsqueezed(
    _ g: GraphEditor, _ v: ValueID, at place: Int, _ options: PassOptions
  ) throws(EngineError) -> ValueID {
    guard g.mayUse(opset: 13, options) else {
      return try g.addOne(Unsqueeze(axes: [0]), [v], at: place)
    }
    return try g.addOne(Unsqueeze(), [v, try g.addInts([0])], at: place)
  }
}
