import Graphs
import Operators
import Tensors
import Testing

/// Loops as torch.onnx writes EmbeddingBag (torch 2.13, `dynamo=False`).
@Suite struct BagFusionTests {
  private enum Kind: CaseIterable {
    case sum, mean, max, scaled
  }

  /// `Loop` over bags of `list` that begin at `offsets`. `skipsFirst`: from the second row of each.
  private func loop(
    _ b: GraphBuilder, _ kind: Kind, _ table: ValueID, _ list: ValueID, _ offsets: ValueID,
    _ factors: ValueID, skipsFirst: Bool = false
  ) throws -> ValueID {
    let zero = try Tensor([0] as [Int64])
    let count = try b.apply(ShapeOp(), list)
    let bounds = try b.apply(Concat(axis: 0), offsets, count)
    let ends = try b.apply(
      Slice(), inputs: [bounds] + [1, .max, 0].map { try b.constant(Tensor([$0 as Int64])) })
    let trips = try b.apply(
      Gather(axis: 0), try b.apply(ShapeOp(), ends), try b.constant(Tensor(scalar: 0 as Int64)))

    let body = GraphBuilder()
    let k = body.graph.addInput("k", Fact(.int64, []))
    _ = body.graph.addInput("c", Fact(.bool, []))
    let outer = [table, list, bounds, ends, factors]
    let inner = outer.map { body.graph.addValue("", b.graph.values[$0.index].fact) }
    body.graph.captures = inner
    func bound(_ of: ValueID) throws -> ValueID {
      let one = try body.apply(Gather(axis: 0), of, k)
      return try body.apply(Unsqueeze(), one, try body.constant(zero))
    }
    var start = try bound(inner[2])
    if skipsFirst { start = try body.apply(Add(), start, try body.constant(Tensor([1 as Int64]))) }
    let end = try bound(inner[3])
    let axes = try body.constant(zero)
    let places = try body.apply(Slice(), inputs: [inner[1], start, end, axes])
    var rows = try body.apply(Gather(axis: 0), inner[0], places)
    if kind == .scaled {
      let part = try body.apply(Slice(), inputs: [inner[4], start, end, axes])
      let column = try body.constant(Tensor([1] as [Int64]))
      rows = try body.apply(Mul(), rows, try body.apply(Unsqueeze(), part, column))
    }
    let kept = ReduceAxes(keepDims: false)
    let result =
      switch kind {
      case .sum, .scaled: try body.apply(ReduceSum(kept), rows, axes)
      case .mean: try body.apply(ReduceMean(kept), rows, axes)
      case .max: try body.apply(ReduceMax(kept), rows, axes)
      }
    let goesOn = try body.apply(Cast(to: .bool), try body.constant(Tensor(scalar: 1 as Int64)))
    body.graph.outputs = [goesOn, result]
    let y = b.graph.addValue("", Fact(.float32, nil))
    var node = Graph.Node(
      type: "Loop", attributes: [.graph("body", body.graph)],
      inputs: [trips, try b.constant(Tensor(scalar: true))], outputs: [y])
    node.captured = outer
    b.graph.nodes.append(node)
    return y
  }

  private func inputs() throws -> [Tensor] {
    [
      try ramp([9, 6]), try Tensor([4, 0, -2, 1, 8, 3, 3] as [Int64]),
      try Tensor([0, 2, 3] as [Int64]),
      try ramp([7], seed: 5),
    ]
  }

  @Test func everyKindIsOneOperator() throws {
    for kind in Kind.allCases {
      let check = try PassCheck(inputs(), lastStage: .layout) { b, x in
        [try loop(b, kind, x[0], x[1], x[2], x[3])]
      }
      #expect(check.after.contains("EmbeddingBag"), "\(kind): \(check.after)")
      #expect(!check.after.contains("Loop"), "\(kind)")
      #expect(check.error < 1e-6, "\(kind)")
    }
  }

  @Test func otherLoopsStay() throws {
    let check = try PassCheck(inputs(), lastStage: .layout) { b, x in
      [try loop(b, .sum, x[0], x[1], x[2], x[3], skipsFirst: true)]
    }
    #expect(!check.after.contains("EmbeddingBag"))
    #expect(check.error < 1e-6)
  }

  /// The loop of torch's newer exporter over `bounds`: an index that is carried, and a row of zeros
  /// where a bag is empty. `reach`: how far behind its start a bag ends.
  private func steppedLoop(
    _ b: GraphBuilder, _ rows: ValueID, _ bounds: ValueID, count: Int64, reach: Int64 = 1
  ) throws -> ValueID {
    let one = try b.constant(Tensor(scalar: 1 as Int64))
    let end = try b.constant(Tensor(scalar: count))
    let outer = [rows, bounds, one, end]
    let body = GraphBuilder()
    _ = body.graph.addInput("k", Fact(.int64, []))
    _ = body.graph.addInput("c", Fact(.bool, []))
    let index = body.graph.addInput("index", Fact(.int64, []))
    let list = body.graph.addInput("list", Fact(.sequence(.tensor(.float32, nil))))
    let inner = outer.map { body.graph.addValue("", b.graph.values[$0.index].fact) }
    body.graph.captures = inner
    let place = try body.apply(Reshape(), index, try body.constant(Tensor([-1] as [Int64])))
    func later(_ n: Int64) throws -> ValueID {
      let number =
        n == 1
        ? try body.apply(CastLike(), inner[2], place) : try body.constant(Tensor(scalar: n))
      return try body.apply(Add(), place, number)
    }
    let next = try later(1)
    let start = try body.apply(Slice(), inputs: [inner[1], place, next])
    let stop = try body.apply(
      Slice(), inputs: [inner[1], try later(reach), try later(reach + 1)])
    let isEmpty = try body.apply(Equal(), start, stop)

    let none = GraphBuilder()
    none.graph.outputs = [
      try none.constant(Tensor(shape: [1, 6], [Float](repeating: 0, count: 6)))
    ]
    let sum = GraphBuilder()
    let parts = [inner[0], start, stop]
    let given = parts.map { sum.graph.addValue("", body.graph.values[$0.index].fact) }
    sum.graph.captures = given
    let stretch = try sum.apply(Slice(), inputs: given)
    sum.graph.outputs = [
      try sum.apply(ReduceSum(), stretch, try sum.constant(Tensor([0] as [Int64])))
    ]
    let row = body.graph.addValue("", Fact(.float32, nil))
    var choice = Graph.Node(
      type: "If",
      attributes: [.graph("then_branch", none.graph), .graph("else_branch", sum.graph)],
      inputs: [isEmpty], outputs: [row])
    choice.captured = parts
    body.graph.nodes.append(choice)
    let longer = try body.apply(SequenceInsert(), list, row)
    let after = try body.apply(Add(), index, inner[2])
    body.graph.outputs = [try body.apply(Less(), after, inner[3]), after, longer]

    let last = b.graph.addValue("", Fact(.int64, []))
    let joined = b.graph.addValue("", Fact(.sequence(.tensor(.float32, nil))))
    var node = Graph.Node(
      type: "Loop", attributes: [.graph("body", body.graph)],
      inputs: [
        nil, try b.constant(Tensor(scalar: true)), try b.constant(Tensor(scalar: 0 as Int64)),
        try b.apply(SequenceEmpty(), inputs: []),
      ], outputs: [last, joined])
    node.captured = outer
    b.graph.nodes.append(node)
    return try b.apply(ConcatFromSequence(axis: 0), joined)
  }

  @Test(arguments: [true, false]) func theNewerExportersLoop(isTable: Bool) throws {
    let inputs = [
      try ramp([9, 6]), try Tensor([4, 0, -2, 1, 8, 3, 3] as [Int64]),
      try Tensor([0, 2, 2, 3, 7] as [Int64]),
    ]
    let check = try PassCheck(inputs, lastStage: .layout) { b, x in
      let rows = isTable ? try b.apply(Gather(axis: 0), x[0], x[1]) : try b.apply(Exp(), x[0])
      return [try steppedLoop(b, rows, x[2], count: 4)]
    }
    #expect(check.after.contains("EmbeddingBag") && !check.after.contains("Loop"))
    #expect(check.error < 1e-6)
  }

  @Test func anotherSteppedLoopStays() throws {
    let inputs = [try ramp([9, 6]), try Tensor([0, 2, 2, 3, 7, 7] as [Int64])]
    let check = try PassCheck(inputs, lastStage: .layout) { b, x in
      [try steppedLoop(b, try b.apply(Exp(), x[0]), x[1], count: 4, reach: 2)]
    }
    #expect(check.after.contains("Loop"))
    #expect(check.error < 1e-6)
  }
}
