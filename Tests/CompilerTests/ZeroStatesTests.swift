import Graphs
import Operators
import Tensors
import Testing

@Suite struct ZeroStatesTests {
  private func layer(_ value: Float) throws -> PassCheck {
    try PassCheck([ramp([4, 2, 3])], level: .basic, sizes: [["", "batch", ""]]) { b, x in
      let size = try b.apply(
        Gather(axis: 0), try b.apply(ShapeOp(), x[0]), try b.constant(Tensor([1] as [Int64])))
      let target = try b.apply(
        Concat(axis: 0),
        inputs: [
          try b.constant(Tensor([1] as [Int64])), size, try b.constant(Tensor([5] as [Int64])),
        ])
      let state = try b.apply(ConstantOfShape(Tensor([value] as [Float])), target)
      let w = try b.constant(ramp([1, 15, 3], scale: 0.5, seed: 1))
      let r = try b.constant(ramp([1, 15, 5], scale: 0.5, seed: 2))
      var template = Graph.Node(
        type: "GRU", attributes: [.int("hidden_size", 5)],
        inputs: [x[0], w, r, nil, nil, state],
        outputs: [b.graph.addValue("", Fact(.float32, nil))])
      template.name = "gru"
      b.graph.nodes.append(template)
      return template.outputs.compactMap { $0 }
    }
  }

  @Test func zerosAreNotGiven() throws {
    let check = try layer(0)
    #expect(check.after == ["GRU"])
    #expect(check.error == 0)
  }

  @Test func otherStatesStay() throws {
    let check = try layer(0.5)
    #expect(check.after.contains("ConstantOfShape"))
  }
}
