import Graphs
import Operators
import Tensors
import Testing

@Suite struct MatMulTransposeTests {
  @Test func aSwapOfTheLastAxesIsReadAsItLies() throws {
    let check = try PassCheck([ramp([2, 3, 4]), ramp([2, 3, 4], seed: 7)]) { b, x in
      let t = Transpose(perm: [0, 2, 1])
      return [
        try b.apply(MatMul(), try b.apply(t, x[0]), x[1]),
        try b.apply(MatMul(), x[0], try b.apply(t, x[1])),
      ]
    }
    #expect(check.after == ["FusedMatMul", "FusedMatMul"])
    #expect(check.error < 1e-6)
  }

  @Test func otherOrdersStay() throws {
    let check = try PassCheck([ramp([2, 3, 4]), ramp([3, 4, 3], seed: 7)]) { b, x in
      [try b.apply(MatMul(), try b.apply(Transpose(perm: [1, 0, 2]), x[0]), x[1])]
    }
    #expect(check.after == ["Transpose", "MatMul"])
  }
}
