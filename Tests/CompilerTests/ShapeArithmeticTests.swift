import Graphs
import Operators
import Tensors
import Testing

@Suite struct ShapeArithmeticTests {
  private func ints(_ b: GraphBuilder, _ list: Int64...) throws -> ValueID {
    try b.constant(Tensor(list))
  }
  /// The size of an axis, as exporters write it: Shape, Gather, Unsqueeze.
  private func size(_ b: GraphBuilder, _ x: ValueID, _ axis: Int64) throws -> ValueID {
    let one = try b.apply(
      Gather(axis: 0), try b.apply(ShapeOp(), x), try b.constant(Tensor(scalar: axis)))
    return try b.apply(Unsqueeze(), one, try ints(b, 0))
  }

  @Test func copiedSizesBecomeZerosAndTheOpenOneMinusOne() throws {
    let check = try PassCheck(
      [ramp([2, 3, 8])], level: .basic, sizes: [["batch", "seq", ""]]
    ) { b, x in
      let y = try b.apply(Exp(), x[0])
      let (batch, seq) = (try size(b, y, 0), try size(b, y, 1))
      let heads = try b.apply(
        Reshape(), y,
        try b.apply(Concat(axis: 0), inputs: [batch, seq, try ints(b, 4), try ints(b, 2)]))
      let turned = try b.apply(Transpose(perm: [0, 2, 1, 3]), heads)
      let flat = try b.apply(
        Reshape(), try b.apply(Neg(), y),
        try b.apply(Concat(axis: 0), try b.apply(Mul(), batch, seq), try ints(b, 8)))
      return [turned, flat]
    }
    #expect(check.after == ["Exp", "Reshape", "Transpose", "Neg", "Reshape"])
    #expect(check.error == 0)
  }

  @Test func aNameThatMayBeTwoSizesIsNotCopied() throws {
    // Both axes have one name and another size.
    let check = try PassCheck([ramp([2, 3, 4])], level: .basic, sizes: [["n", "n", ""]]) { b, x in
      let y = try b.apply(Exp(), x[0])
      let target = try b.apply(
        Concat(axis: 0), inputs: [try size(b, y, 1), try size(b, y, 0), try ints(b, 2, 2)])
      return [try b.apply(Reshape(), y, target)]
    }
    #expect(check.after.contains("Concat"))
    #expect(check.error == 0)
  }

  @Test func reshapesInARowBecomeOne() throws {
    let check = try PassCheck([ramp([2, 12])], level: .basic, sizes: [["batch", ""]]) { b, x in
      let y = try b.apply(Exp(), x[0])
      let a = try b.apply(Reshape(), y, try ints(b, 0, 3, 4))
      let c = try b.apply(Unsqueeze(), a, try ints(b, 1))
      let d = try b.apply(Reshape(), c, try ints(b, 0, 0, 12))
      return [try b.apply(Reshape(), d, try ints(b, 0, 6, -1))]
    }
    #expect(check.after == ["Exp", "Reshape"])
    #expect(check.error == 0)
  }

  @Test func aSqueezeTakesAnUnsqueezeBack() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic, sizes: [["a", "b"]]) { b, x in
      let y = try b.apply(Unsqueeze(), try b.apply(Exp(), x[0]), try ints(b, 1))
      return [try b.apply(Neg(), try b.apply(Squeeze(), y, try ints(b, -2)))]
    }
    #expect(check.after == ["Exp", "Neg"])
    #expect(check.error == 0)
  }

  @Test func anExpandThatTheNextOperatorDoesGoes() throws {
    let check = try PassCheck(
      [ramp([2, 3, 4]), ramp([2, 1, 4])], level: .basic, sizes: [["b", "s", ""], ["b", "", ""]]
    ) { b, x in
      let target = try b.apply(
        Concat(axis: 0), inputs: [try size(b, x[0], 0), try size(b, x[0], 1), try ints(b, 4)])
      let mask = try b.apply(Expand(), try b.apply(Exp(), x[1]), target)
      return [try b.apply(Add(), x[0], mask)]
    }
    #expect(check.after == ["Exp", "Add"])
    #expect(check.error == 0)
  }

  @Test func sizesAreNeverMinusOne() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic, sizes: [["batch", ""]]) { b, x in
      let target = try b.apply(Concat(axis: 0), try size(b, x[0], 0), try ints(b, 3))
      let isOpen = try b.apply(Equal(), target, try ints(b, -1))
      let known = try b.apply(Where(), isOpen, try ints(b, 1, 1), target)
      return [try b.apply(Expand(), try b.constant(ramp([1, 3])), known)]
    }
    #expect(!check.after.contains("Where") && !check.after.contains("Equal"))
    #expect(check.error == 0)
  }

  @Test func anExpandThatMakesASizeStays() throws {
    let check = try PassCheck([ramp([1, 4])], level: .basic) { b, x in
      [try b.apply(Neg(), try b.apply(Expand(), x[0], try ints(b, 3, 1)))]
    }
    #expect(check.after == ["Expand", "Neg"])
  }
}
