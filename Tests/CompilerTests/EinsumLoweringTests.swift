import Graphs
import Operators
import Tensors
import Testing

@Suite struct EinsumLoweringTests {
  @Test(
    arguments: [
      ("BGHID,BGHJD->BGHIJ", [2, 3, 2, 5, 4], [2, 3, 2, 6, 4]),
      ("bhij,bjhd->bihd", [2, 3, 5, 4], [2, 4, 3, 6]),
      ("abc,cde->abde", [2, 3, 4], [4, 5, 6]),
      ("abcd,cde->abe", [2, 3, 4, 5], [4, 5, 6]),
      ("acb,dc->dab", [2, 3, 4], [5, 3]),
      ("...ij,...jk->...ki", [2, 3, 4], [2, 4, 5]),
    ] as [(String, Shape, Shape)])
  func productsBecomeMatMul(_ equation: String, _ a: Shape, _ b: Shape) throws {
    let check = try PassCheck([ramp(a), ramp(b, seed: 5)], lastStage: .rewriting) { builder, x in
      [try builder.apply(try Einsum(equation), x[0], x[1])]
    }
    #expect(check.after.contains("MatMul") && !check.after.contains("Einsum"))
    #expect(check.error < 1e-6)
  }

  /// Where nothing is summed, elements are multiplied.
  @Test(
    arguments: [
      ("i,j->ij", [5], [7]), ("bi,bj->bij", [2, 5], [2, 7]), ("ij,jk->kij", [3, 4], [4, 5]),
      ("bhc,khc->bkch", [2, 3, 4], [5, 3, 4]), (",ij->ji", [], [3, 4]),
      ("ij,ij->ij", [3, 4], [1, 4]), ("...i,j->...ij", [2, 3, 4], [5]),
    ] as [(String, Shape, Shape)])
  func outerProductsBecomeMul(_ equation: String, _ a: Shape, _ b: Shape) throws {
    let check = try PassCheck([ramp(a), ramp(b, seed: 5)], lastStage: .rewriting) { builder, x in
      [try builder.apply(try Einsum(equation), x[0], x[1])]
    }
    #expect(check.after.contains("Mul") && !check.after.contains("Einsum"))
    #expect(check.error == 0)
  }

  @Test(
    arguments: [
      ("ij,ij->i", [3, 4], [3, 4]), ("ij,k->ij", [3, 4], [5]), ("ii,ij->j", [3, 3], [3, 4]),
      ("ij,jk->ik", [3, 1], [4, 5]), ("bij,bjk->ik", [2, 3, 4], [2, 4, 5]),
      ("ij,j->i", [3, 4], [4]),
    ] as [(String, Shape, Shape)])
  func otherSumsStay(_ equation: String, _ a: Shape, _ b: Shape) throws {
    let check = try PassCheck([ramp(a), ramp(b, seed: 5)]) { builder, x in
      [try builder.apply(try Einsum(equation), x[0], x[1])]
    }
    #expect(check.error < 1e-6)
  }

  /// Sizes that are not known stay where no axes are put together.
  @Test func symbolicSizesStay() throws {
    let check = try PassCheck(
      [ramp([2, 3, 4]), ramp([4, 2, 3])], sizes: [["n", "t"]], lastStage: .rewriting
    ) { b, x in [try b.apply(try Einsum("abc,cde->abde"), x[0], x[1])] }
    #expect(check.after.contains("MatMul"))
    #expect(check.error < 1e-6)
  }

  /// The projections, scores and sums of a multi-head attention as Keras writes them.
  @Test func attentionInIndexNotationIsFused() throws {
    let check = try PassCheck([ramp([3, 8, 24])]) { b, x in
      let heads = try (1...3).map { seed in
        let w = try b.constant(ramp([24, 2, 16], scale: 0.25, seed: seed))
        let y = try b.apply(try Einsum("abc,cde->abde"), x[0], w)
        return try b.apply(Add(), y, try b.constant(ramp([2, 16], seed: seed + 4)))
      }
      let q = try b.apply(Mul(), heads[0], try b.constant(Tensor(scalar: Float(0.25))))
      let scores = try b.apply(try Einsum("aecd,abcd->acbe"), heads[1], q)
      let weights = try b.apply(Softmax(), scores)
      let y = try b.apply(try Einsum("acbe,aecd->abcd"), weights, heads[2])
      let w = try b.constant(ramp([2, 16, 24], scale: 0.25, seed: 9))
      return [try b.apply(try Einsum("abcd,cde->abe"), y, w)]
    }
    #expect(!check.after.contains("Einsum") && !check.after.contains("Softmax"))
    #expect(check.error < 1e-5)
  }
}
