import Graphs
import Operators
import Tensors
import Testing

@Suite struct ResizedProductsTests {
  /// Three images of 6x8, two of them enlarged, side by side through a 1x1 convolution.
  private func rewritten(
    _ mode: Resize.Mode, bySizes: Bool, relu: Bool, isUsed: Bool = false
  ) throws -> PassCheck {
    try PassCheck([
      ramp([2, 40, 6, 8]), ramp([2, 48, 3, 4], seed: 2), ramp([2, 32, 1, 1], seed: 3),
    ]) { b, x in
      func large(_ v: ValueID, _ c: Int, _ factor: (Int, Int)) throws -> ValueID {
        if bySizes {
          let sizes = try b.constant(Tensor([2, c, 6, 8].map { Int64($0) }))
          return try b.apply(Resize(mode: mode), inputs: [v, nil, nil, sizes])
        }
        let scales = try b.constant(Tensor([1, 1, factor.0, factor.1].map { Float($0) }))
        return try b.apply(Resize(mode: mode), inputs: [v, nil, scales])
      }
      let middle = try large(x[1], 48, (2, 2))
      let joined = try b.apply(Concat(axis: 1), x[0], middle, try large(x[2], 32, (6, 8)))
      let w = try b.constant(ramp([24, 120, 1, 1], scale: 0.1, seed: 5))
      let y = try b.apply(Conv(), joined, w, try b.constant(ramp([24], seed: 3)))
      let z = relu ? try b.apply(Relu(), y) : y
      return isUsed ? [z, joined] : [z]
    }
  }

  @Test(arguments: [Resize.Mode.linear, .nearest, .cubic]) func goesBehind(mode: Resize.Mode)
    throws
  {
    for bySizes in [true, false] {
      for relu in [true, false] {
        let check = try rewritten(mode, bySizes: bySizes, relu: relu)
        #expect(!check.after.contains("Concat"))
        #expect(check.after.count { $0 == "Resize" } == 2)
        #expect(check.error < 1e-5)
      }
    }
  }

  @Test func imagesWithOtherUsesStay() throws {
    let check = try rewritten(.linear, bySizes: true, relu: true, isUsed: true)
    #expect(check.after.contains("Concat"))
  }
}
