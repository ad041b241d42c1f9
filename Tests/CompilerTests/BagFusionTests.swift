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
}
