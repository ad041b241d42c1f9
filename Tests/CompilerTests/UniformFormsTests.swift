import Graphs
import Operators
import Tensors
import Testing

@Suite struct UniformFormsTests {
  @Test func attributesOfOldOpsetsBecomeInputs() throws {
    let check = try PassCheck([ramp([1, 3, 4, 5])], opset: 6) { b, x in
      var y = try b.apply(Exp(), x[0])
      y = try b.apply(Slice(starts: [1], ends: [3], axes: [2]), y)
      y = try b.apply(Pad(pads: [0, 0, 1, 0, 0, 0, 0, 1], value: 2), y)
      y = try b.apply(Clip(lower: 0.5, upper: 1.5), y)
      let sum = try b.apply(ReduceSum(ReduceAxes([1], keepDims: false)), y)
      let parts = try b.apply(Split(axis: 1, sizes: [1, 2]), inputs: [y], outputs: 2)
      let best = try b.apply(TopK(k: 2), inputs: [parts[1]], outputs: 2)
      return [
        try b.apply(Unsqueeze(axes: [0]), try b.apply(Squeeze(axes: [0]), sum)), parts[0],
        best[0], best[1], try b.apply(Softmax(SoftmaxAxis(3, flattens: true)), parts[0]),
      ]
    }
    #expect(check.error < 1e-6)
    for node in check.graph.nodes {
      let names = node.attributes.map(\.name)
      #expect(Set(names).isDisjoint(with: ["starts", "pads", "min", "axes", "split", "k"]))
    }
  }

  @Test func broadcastsFromANamedAxis() throws {
    let check = try PassCheck([ramp([2, 3, 4]), ramp([3])], opset: 6) { b, x in
      [
        try b.apply(Add(form: .second(axis: 1)), x[0], x[1]),
        try b.apply(
          Mul(form: .second(axis: 0)), x[0], try b.constant(ramp([2, 3], seed: 4))),
        try b.apply(Sub(form: .neither), x[0], try b.apply(Exp(), x[0])),
        try b.apply(Sum(), x[0], try b.apply(Neg(), x[0])),
      ]
    }
    #expect(check.error < 1e-6)
    #expect(!check.after.contains("Sum"))
    for node in check.graph.nodes {
      #expect(!node.attributes.contains { $0.name == "broadcast" || $0.name == "axis" })
    }
  }
}
