import Graphs
import Operators
import Tensors
import Testing

@Suite struct LoopUnrollingTests {
  /// `y = y * x + k`, collected as well, as long as `goesOn` says.
  private func loop(
    _ b: GraphBuilder, _ trips: ValueID?, _ x: ValueID, endsEarly: Bool = false
  ) throws -> [ValueID] {
    let body = GraphBuilder()
    let k = body.graph.addInput("k", Fact(.int64, []))
    let condition = body.graph.addInput("c", Fact(.bool, []))
    let y = body.graph.addInput("y", Fact(.float32, [3]))
    let outer = body.graph.addValue("outer", Fact(.float32, [3]))
    body.graph.captures = [outer]
    let number = try body.apply(Cast(to: .float32), k)
    let next = try body.apply(Add(), try body.apply(Mul(), y, outer), number)
    let goesOn =
      endsEarly
      ? try body.apply(Less(), number, try body.constant(Tensor(scalar: 1 as Float)))
      : try body.apply(Identity(), condition)
    body.graph.outputs = [goesOn, next, try body.apply(Neg(), next)]
    let results = [
      b.graph.addValue("", Fact(.float32, nil)), b.graph.addValue("", Fact(.float32, nil)),
    ]
    var node = Graph.Node(
      type: "Loop", attributes: [.graph("body", body.graph)], inputs: [trips, nil, x],
      outputs: results)
    node.captured = [x]
    b.graph.nodes.append(node)
    return results
  }

  @Test func aFewIterationsStandInARow() throws {
    let check = try PassCheck([ramp([3])], level: .basic) { b, x in
      let results = try loop(b, try b.constant(Tensor(scalar: 3 as Int64)), x[0])
      return [results[0], results[1]]
    }
    #expect(!check.after.contains("Loop"))
    #expect(check.after.count { $0 == "Mul" } == 3)
    #expect(check.after.count { $0 == "Concat" } == 1)
    #expect(check.error < 1e-6)
  }

  @Test func whatMayEndEarlierOrRunsLongStays() throws {
    let check = try PassCheck([ramp([3])], level: .basic) { b, x in
      let early = try loop(
        b, try b.constant(Tensor(scalar: 3 as Int64)), x[0], endsEarly: true)
      let long = try loop(b, try b.constant(Tensor(scalar: 1000 as Int64)), x[0])
      return [early[0], long[1]]
    }
    #expect(check.after == ["Loop", "Loop"])
  }

  @Test func constantsFromOutsideFoldInABody() throws {
    let check = try PassCheck([ramp([2, 3])], includesSubgraphs: true) { b, x in
      let w = try b.constant(ramp([3, 6], seed: 3))
      let body = GraphBuilder()
      _ = body.graph.addInput("k", Fact(.int64, []))
      let condition = body.graph.addInput("c", Fact(.bool, []))
      let y = body.graph.addInput("y", Fact(.float32, [2, 3]))
      let outer = body.graph.addValue("w", Fact(.float32, [3, 6]))
      body.graph.captures = [outer]
      let half = try body.apply(
        Slice(), inputs: [outer] + [3, 6, 1].map { try body.constant(Tensor([$0 as Int64])) })
      let product = try body.apply(MatMul(), y, try body.apply(Exp(), half))
      body.graph.outputs = [
        try body.apply(Identity(), condition), try body.apply(Tanh(), product),
      ]
      let result = b.graph.addValue("", Fact(.float32, nil))
      var node = Graph.Node(
        type: "Loop", attributes: [.graph("body", body.graph)],
        inputs: [try b.constant(Tensor(scalar: 1000 as Int64)), nil, x[0]], outputs: [result])
      node.captured = [w]
      b.graph.nodes.append(node)
      return [result]
    }
    let loop = try #require(check.graph.nodes.first { $0.type == "Loop" })
    let kinds = try #require(loop.subgraphs.first).nodes.map(\.type)
    #expect(!kinds.contains("Slice") && !kinds.contains("Exp"), "\(kinds)")
    #expect(loop.captured.isEmpty)
    #expect(check.error < 1e-6)
  }
}
