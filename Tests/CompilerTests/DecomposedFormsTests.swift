import Graphs
import Operators
import Tensors
import Testing

/// Graphs as torch decomposes them into few operators.
@Suite struct DecomposedFormsTests {
  private func ints(_ b: GraphBuilder, _ list: Int64...) throws -> ValueID {
    try b.constant(Tensor(list))
  }
  private func number(_ b: GraphBuilder, _ x: Float) throws -> ValueID {
    try b.constant(Tensor(scalar: x))
  }

  /// Two heads of 8 numbers, all of a row hidden in one of two sequences.
  @Test func attentionWithASafeSoftmaxIsOneNode() throws {
    var hidden = [Float](repeating: 0, count: 10)
    for place in [1, 3, 5, 6, 7, 8, 9] { hidden[place] = -.infinity }
    let mask = try Tensor(shape: [2, 1, 1, 5], hidden)
    for mask in [nil, mask] {
      let check = try PassCheck(
        (0..<3).map { try ramp([2, 5, 16], seed: $0) }, sizes: [["n"], [""], [""]]
      ) { b, x in
        func heads(_ v: ValueID, _ perm: [Int]) throws -> ValueID {
          try b.apply(
            Transpose(perm: perm), try b.apply(Reshape(), v, try ints(b, 2, 5, 2, 8)))
        }
        let q = try b.apply(Mul(), try heads(x[0], [0, 2, 1, 3]), try number(b, 0.5))
        let k = try b.apply(Mul(), try heads(x[1], [0, 2, 3, 1]), try number(b, 0.7))
        let flat = try b.apply(
          MatMul(), try b.apply(Reshape(), q, try ints(b, 4, 5, 8)),
          try b.apply(Reshape(), k, try ints(b, 4, 8, 5)))
        var scores = try b.apply(Reshape(), flat, try ints(b, 2, 2, 5, 5))
        if let mask { scores = try b.apply(Add(), scores, try b.constant(mask)) }
        let shares = try b.apply(Softmax(), scores)
        let seen = try b.apply(Not(), try b.apply(Equal(), scores, try number(b, -.infinity)))
        let any = try b.apply(
          ReduceMax(ReduceAxes()), try b.apply(Cast(to: .int32), seen), try ints(b, -1))
        let none = try b.apply(Not(), try b.apply(Cast(to: .bool), any))
        let zeros = try b.apply(
          ConstantOfShape(try Tensor([0] as [Float])), try b.apply(ShapeOp(), scores))
        let safe = try b.apply(Where(), none, zeros, shares)
        let v = try b.apply(Reshape(), try heads(x[2], [0, 2, 1, 3]), try ints(b, 4, 5, 8))
        let y = try b.apply(MatMul(), try b.apply(Reshape(), safe, try ints(b, 4, 5, 5)), v)
        let turned = try b.apply(
          Transpose(perm: [0, 2, 1, 3]), try b.apply(Reshape(), y, try ints(b, 2, 2, 5, 8)))
        return [try b.apply(Reshape(), turned, try ints(b, 2, 5, 16))]
      }
      #expect(check.after.count { $0.hasSuffix("Attention") } == 1)
      #expect(!check.after.contains("Softmax") && !check.after.contains("MatMul"))
      #expect(check.error < 1e-5)
    }
  }

  @Test func clipsInARowAndHardSwishes() throws {
    let check = try PassCheck([ramp([2, 7], scale: 4)]) { b, x in
      let low = try b.apply(
        Clip(), inputs: [try b.apply(Add(), x[0], try number(b, 3)), try number(b, 0)])
      let high = try b.apply(Clip(), inputs: [low, nil, try number(b, 6)])
      return [try b.apply(Div(), try b.apply(Mul(), x[0], high), try number(b, 6))]
    }
    #expect(check.after == ["HardSwish"])
    #expect(check.error < 1e-6)
    // The outer bounds hold, wherever the inner ones lie.
    let crossed = try PassCheck([ramp([9], scale: 4)]) { b, x in
      let one = try b.apply(Clip(), inputs: [x[0], try number(b, 1), try number(b, 2)])
      return [try b.apply(Clip(), inputs: [one, try number(b, -1), try number(b, 0.5)])]
    }
    #expect(crossed.after == ["Clip"])
    #expect(crossed.error == 0)
  }

  @Test func aFactorBehindBoundsGoesIntoTheWeights() throws {
    let check = try PassCheck([ramp([1, 3, 4, 4])]) { b, x in
      let conv = try b.apply(
        Conv(), x[0], try b.constant(ramp([5, 3, 1, 1], scale: 6)), try b.constant(ramp([5])))
      let bound = try b.apply(Clip(), inputs: [conv, try number(b, 0), try number(b, 6)])
      return [try b.apply(Div(), bound, try number(b, 6))]
    }
    #expect(check.after == ["FusedConv"])
    #expect(check.error < 1e-6)
  }

  @Test func productsOfBatchesAndRowsKeepTheirAxes() throws {
    let check = try PassCheck([ramp([2, 3, 4, 5]), ramp([2, 3, 5, 6], seed: 1)]) { b, x in
      let y = try b.apply(
        MatMul(), try b.apply(Reshape(), x[0], try ints(b, 6, 4, 5)),
        try b.apply(Reshape(), x[1], try ints(b, 6, 5, 6)))
      return [try b.apply(Reshape(), y, try ints(b, 2, 3, 4, 6))]
    }
    #expect(check.after == ["MatMul"])
    #expect(check.error < 1e-6)
    let split = try PassCheck([ramp([2, 3, 8])], sizes: [["n", "", ""]]) { b, x in
      let rows = try b.apply(Reshape(), x[0], try ints(b, -1, 8))
      let y = try b.apply(MatMul(), rows, try b.constant(ramp([8, 12])))
      return [try b.apply(Reshape(), y, try ints(b, -1, 3, 3, 4))]
    }
    #expect(split.after.count == 2 && split.after.last == "Reshape")
    #expect(split.error < 1e-6)
  }

  @Test func aMatrixGivenToEveryBatchIsBroadcast() throws {
    let check = try PassCheck([ramp([2, 3, 4])], sizes: [["n", "", ""]]) { b, x in
      let shape = try b.apply(
        Concat(axis: 0),
        inputs: [
          try b.apply(
            Slice(), try b.apply(ShapeOp(), x[0]), try ints(b, 0), try ints(b, 1)),
          try ints(b, 4, 6),
        ])
      let matrix = try b.apply(Expand(), try b.constant(ramp([4, 6])), shape)
      return [try b.apply(MatMul(), x[0], matrix)]
    }
    #expect(check.after.count == 1)
    #expect(check.error < 1e-6)
  }

  @Test func axesOfOneBetweenShapesAreMovedByAShape() throws {
    let check = try PassCheck([ramp([2, 3, 4])], sizes: [["n", "", ""]]) { b, x in
      let y = try b.apply(Exp(), x[0])
      let wide = try b.apply(Unsqueeze(), y, try ints(b, 0, 4))
      let turned = try b.apply(Transpose(perm: [1, 2, 0, 4, 3]), wide)
      return [try b.apply(Reshape(), turned, try ints(b, -1, 12))]
    }
    #expect(check.after == ["Exp", "Reshape"])
    #expect(check.error == 0)
  }
}
