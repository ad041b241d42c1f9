import Graphs
import Operators
import Tensors
import Testing

/// Products whose leading axes a framework made one before it saved them.
@Suite struct UnflatteningTests {
  private func ints(_ b: GraphBuilder, _ list: Int64...) throws -> ValueID {
    try b.constant(Tensor(list))
  }

  /// Heads of 8 numbers are merged, projected and taken apart again.
  @Test func headsAreMergedByOneReshape() throws {
    let check = try PassCheck([ramp([2, 5, 3, 4])], sizes: [["n"]]) { b, x in
      let rows = try b.apply(Reshape(), x[0], try ints(b, -1, 12))
      let y = try b.apply(
        Gemm(transB: true), rows, b.constant(ramp([6, 12], seed: 1)), b.constant(ramp([6])))
      return [try b.apply(Reshape(), y, try ints(b, -1, 5, 6))]
    }
    #expect(check.after == ["Reshape", "FusedLinear"])
    #expect(check.error < 1e-6)
  }

  /// Without a bias, and with the last axis taken apart behind the product.
  @Test func rowsStayAsTheyAre() throws {
    let check = try PassCheck([ramp([2, 5, 7])], sizes: [["n"]]) { b, x in
      let rows = try b.apply(Reshape(), x[0], try ints(b, -1, 7))
      let y = try b.apply(MatMul(), rows, b.constant(ramp([7, 6], seed: 1)))
      return [try b.apply(Reshape(), y, try ints(b, -1, 5, 2, 3))]
    }
    #expect(check.after == ["MatMul", "Reshape"])
    #expect(check.error < 1e-6)
  }

  /// What mixes tokens turns its input; the flattened form is no obstacle to that.
  @Test func turnedRowsNeedNoTranspose() throws {
    let check = try PassCheck([ramp([2, 5, 7])], sizes: [["n"]]) { b, x in
      let turned = try b.apply(Transpose(perm: [0, 2, 1]), x[0])
      let rows = try b.apply(Reshape(), turned, try ints(b, -1, 5))
      let y = try b.apply(Gemm(transB: true), rows, b.constant(ramp([6, 5], seed: 1)))
      return [try b.apply(Reshape(), y, try ints(b, -1, 7, 6))]
    }
    #expect(check.after == ["FusedMatMul"])
    #expect(check.error < 1e-6)
  }

  @Test func rowsWithOtherUsesStay() throws {
    let check = try PassCheck([ramp([2, 5, 7])]) { b, x in
      let rows = try b.apply(Reshape(), x[0], try ints(b, -1, 7))
      let y = try b.apply(MatMul(), rows, b.constant(ramp([7, 6], seed: 1)))
      return [try b.apply(Reshape(), y, try ints(b, 2, 5, 6)), y]
    }
    #expect(check.error < 1e-6)
    let doubled = try PassCheck([ramp([4, 3, 5])]) { b, x in
      let rows = try b.apply(Reshape(), x[0], try ints(b, 12, 5))
      let y = try b.apply(MatMul(), rows, b.constant(ramp([5, 6], seed: 1)))
      // Other rows than went in: one Reshape is as good as another.
      return [try b.apply(Reshape(), y, try ints(b, 2, 6, 6)), try b.apply(Relu(), rows)]
    }
    #expect(doubled.error < 1e-6)
  }

  /// A sum over named axes, as torch takes it apart: `bhid,bhjd->bhij` with a batch of one.
  @Test func unitAxesAreLeftOut() throws {
    let check = try PassCheck((0..<2).map { try ramp([1, 3, 2, 5, 4], seed: $0) }) { b, x in
      let wide = try b.apply(Unsqueeze(), x[1], try ints(b, 5))
      let turned = try b.apply(Transpose(perm: [1, 2, 4, 0, 3, 5]), wide)
      let y = try b.apply(
        MatMul(), try b.apply(Reshape(), x[0], try ints(b, 6, 5, 4)),
        try b.apply(Reshape(), turned, try ints(b, 6, 4, 5)))
      return [try b.apply(Reshape(), y, try ints(b, 1, 3, 2, 5, 5))]
    }
    #expect(check.after == ["FusedMatMul"])
    #expect(check.error < 1e-6)
  }

  /// The axis that a Split left is not taken away before the batch is made one axis.
  @Test func factorsOfOtherAxesTakeAReshape() throws {
    let inputs = try [ramp([2, 3, 5, 4]), ramp([1, 2, 3, 4, 5], seed: 1)]
    let check = try PassCheck(inputs, sizes: [["n"], ["", "n"]]) { b, x in
      let y = try b.apply(
        MatMul(), try b.apply(Reshape(), x[0], try ints(b, -1, 5, 4)),
        try b.apply(Reshape(), x[1], try ints(b, -1, 4, 5)))
      return [try b.apply(Reshape(), y, try ints(b, -1, 3, 5, 5))]
    }
    #expect(check.after.sorted() == ["MatMul", "Reshape"])
    #expect(check.error < 1e-6)
  }

  /// Keys that lie as `[N, H, E, T]`, of which no Transpose is left.
  @Test func attentionTurnsItsKeys() throws {
    let inputs = try [
      ramp([2, 3, 5, 8]), ramp([2, 3, 8, 6], seed: 1), ramp([2, 3, 6, 8], seed: 2),
    ]
    let check = try PassCheck(inputs, sizes: [["n"], ["n"], ["n"]]) { b, x in
      let half = try b.constant(Tensor(scalar: 0.5 as Float))
      let scores = try b.apply(
        MatMul(), try b.apply(Mul(), x[0], half), try b.apply(Mul(), x[1], half))
      return [try b.apply(MatMul(), try b.apply(Softmax(), scores), x[2])]
    }
    #expect(check.after.sorted() == ["Attention", "Transpose"])
    #expect(check.error < 1e-5)
  }

  /// A fill of the size of its neighbours is one number.
  @Test func fillsBroadcast() throws {
    let check = try PassCheck([ramp([2, 5])], sizes: [["n"]]) { b, x in
      let zeros = try b.apply(
        ConstantOfShape(try Tensor([3] as [Float])), try b.apply(ShapeOp(), x[0]))
      return [try b.apply(Where(), try b.apply(Less(), x[0], zeros), zeros, x[0])]
    }
    #expect(!check.after.contains("ConstantOfShape"))
    #expect(check.error == 0)
  }

  /// Products of products, between which only the flat form was left.
  @Test func rowsBetweenProducts() throws {
    let check = try PassCheck([ramp([2, 5, 7])], sizes: [["n", "m"]]) { b, x in
      let sizes = try b.apply(ShapeOp(end: 2), x[0])
      func taken(_ v: ValueID, _ width: Int64) throws -> ValueID {
        let shape = try b.apply(Concat(axis: 0), sizes, try ints(b, width))
        return try b.apply(Reshape(), v, shape)
      }
      func weight(_ n: Int, _ m: Int) throws -> ValueID { try b.constant(ramp([n, m], seed: 1)) }
      let rows = try b.apply(
        Gemm(transB: true), try b.apply(Reshape(), x[0], try ints(b, -1, 7)), try weight(6, 7))
      let outer = try taken(rows, 6)
      let inner = try taken(try b.apply(Gemm(transB: true), rows, try weight(6, 6)), 6)
      return [try b.apply(Mul(), try b.apply(Tanh(), inner), outer)]
    }
    #expect(check.after.count { $0 == "MatMul" || $0 == "FusedLinear" } == 2)
    #expect(!check.after.contains("Reshape") && !check.after.contains("Gemm"))
    #expect(check.error < 1e-6)
  }

  /// Linear attention: a product of batches goes into another one as it is.
  @Test func batchesBetweenProducts() throws {
    let inputs = try [
      ramp([2, 3, 4, 5]), ramp([2, 3, 5, 4], seed: 1), ramp([2, 3, 4, 6], seed: 2),
    ]
    let check = try PassCheck(inputs, sizes: [["n"], ["n"], ["n"]]) { b, x in
      let flat = try [(5, 4), (4, 5), (6, 4)].enumerated().map { (i, s) in
        try b.apply(Reshape(), x[i], try ints(b, -1, Int64(s.1), Int64(s.0)))
      }
      let inner = try b.apply(MatMul(), flat[1], flat[2])
      let y = try b.apply(MatMul(), flat[0], inner)
      return [try b.apply(Reshape(), y, try ints(b, -1, 3, 4, 6))]
    }
    #expect(check.after == ["MatMul", "MatMul"])
    #expect(check.error < 1e-5)
  }
}
