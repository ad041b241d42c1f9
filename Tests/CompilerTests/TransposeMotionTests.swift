import Graphs
import Operators
import Tensors
import Testing

@Suite struct TransposeMotionTests {
  private let last = Transpose(perm: [0, 2, 3, 1])
  private let first = Transpose(perm: [0, 3, 1, 2])

  private func conv(_ b: GraphBuilder, _ x: ValueID, _ from: Int, _ to: Int) throws -> ValueID {
    try b.apply(Conv(), x, try b.constant(ramp([to, from, 1, 1], seed: from + to)))
  }

  @Test func channelsLastNetworksKeepOnlyTheirEdges() throws {
    // As Keras exports: every convolution between a Transpose and its inverse.
    let check = try PassCheck([ramp([1, 4, 5, 3])], level: .basic) { b, x in
      func layer(_ x: ValueID, _ from: Int, _ to: Int) throws -> ValueID {
        let y = try b.apply(last, try conv(b, try b.apply(first, x), from, to))
        return try b.apply(Relu(), try b.apply(Sub(), y, try b.constant(ramp([4, 1, to]))))
      }
      let one = try layer(x[0], 3, 4)
      let two = try layer(one, 4, 4)
      let sum = try b.apply(Mul(), try b.apply(Sigmoid(), two), one)
      let wide = try b.apply(Concat(axis: -1), sum, one)
      let padded = try b.apply(
        Pad(), wide, try b.constant(Tensor([0, 0, 1, 0, 0, 0, 1, 0] as [Int64])))
      let three = try layer(padded, 8, 2)
      return [
        try b.apply(
          ReduceMean(ReduceAxes(keepDims: false)), three,
          try b.constant(Tensor([1, 2] as [Int64])))
      ]
    }
    #expect(check.after.count { $0 == "Transpose" } == 1)
    #expect(check.error < 1e-5)
  }

  @Test func twoInARowBecomeOneOrNone() throws {
    let check = try PassCheck([ramp([2, 3, 4, 5])], level: .basic) { b, x in
      let y = try b.apply(last, try b.apply(Exp(), x[0]))
      return [
        try b.apply(Neg(), try b.apply(first, y)), try b.apply(last, y),
        try b.apply(first, try b.apply(last, x[0])),
      ]
    }
    #expect(check.after.count { $0 == "Transpose" } == 1)
    #expect(check.error == 0)
  }

  @Test func axesOfOperatorsBetweenAreRenumbered() throws {
    let check = try PassCheck([ramp([2, 3, 4, 6])], level: .basic) { b, x in
      let y = try b.apply(last, try b.apply(Exp(), x[0]))
      let parts = try b.apply(Split(axis: 2, parts: 2), inputs: [y], outputs: 2)
      let a = try b.apply(Softmax(SoftmaxAxis(-1)), parts[0])
      let mean = try b.apply(
        ReduceMax(ReduceAxes()), parts[1], try b.constant(Tensor([1, -1] as [Int64])))
      let c = try b.apply(
        Slice(),
        inputs: [
          try b.apply(Add(), a, mean), try b.constant(Tensor([1, 0] as [Int64])),
          try b.constant(Tensor([3, 2] as [Int64])), try b.constant(Tensor([1, 3] as [Int64])),
        ])
      return [try b.apply(first, c)]
    }
    #expect(!check.after.contains("Transpose"))
    #expect(check.error < 1e-6)
  }

  @Test func nothingMovesWhereNothingIsWon() throws {
    let check = try PassCheck([ramp([2, 3, 4])], level: .basic) { b, x in
      let y = try b.apply(Transpose(perm: [0, 2, 1]), try b.apply(Exp(), x[0]))
      return [try b.apply(MatMul(), try b.apply(Relu(), y), try b.constant(ramp([3, 3])))]
    }
    #expect(check.after == ["Exp", "Transpose", "Relu", "MatMul"])
    let scores = try PassCheck([ramp([2, 3, 4]), ramp([2, 3, 4], seed: 5)], level: .basic) { b, x in
      let y = try b.apply(Transpose(perm: [0, 2, 1]), x[0])
      return [
        try b.apply(
          Add(), y, try b.apply(Reshape(), x[1], try b.constant(Tensor([2, 4, 3] as [Int64]))))
      ]
    }
    #expect(scores.after == ["Transpose", "Reshape", "Add"])
  }

  @Test func branchesMeetBehindTheirSum() throws {
    let check = try PassCheck([ramp([2, 3, 4]), ramp([2, 3, 4], seed: 5)], level: .basic) { b, x in
      let t = Transpose(perm: [2, 0, 1])
      return [try b.apply(Add(), try b.apply(t, x[0]), try b.apply(t, try b.apply(Exp(), x[1])))]
    }
    #expect(check.after == ["Exp", "Add", "Transpose"])
    #expect(check.error == 0)
  }

  @Test func anOutputInTheMiddleKeepsItsOrder() throws {
    let check = try PassCheck([ramp([2, 3, 4, 5])], level: .basic) { b, x in
      let y = try b.apply(Relu(), try b.apply(last, try b.apply(Exp(), x[0])))
      return [y, try b.apply(first, y), try b.apply(Neg(), try b.apply(first, y))]
    }
    #expect(check.after.count { $0 == "Transpose" } == 1)
    #expect(check.error == 0)
  }
}
