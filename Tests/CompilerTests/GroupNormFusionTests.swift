import Graphs
import Kernels
import Operators
import Tensors
import Testing

@Suite struct GroupNormFusionTests {
  private func grouped(
    _ b: GraphBuilder, _ x: ValueID, _ groups: Int, _ channels: Int, affine: Bool
  )
    throws -> ValueID
  {
    let inner = try b.apply(Reshape(), x, try b.constant(Tensor([0, Int64(groups), -1])))
    let ones = try b.constant(Tensor([Float](repeating: 1, count: groups)))
    let zeros = try b.constant(Tensor([Float](repeating: 0, count: groups)))
    let y = try b.apply(InstanceNormalization(epsilon: 1e-5), inner, ones, zeros)
    let back = try b.apply(Reshape(), y, try b.apply(ShapeOp(), x))
    if !affine { return back }
    let scaled = try b.apply(Mul(), back, try b.constant(ramp([channels, 1, 1], seed: 4)))
    return try b.apply(Add(), scaled, try b.constant(ramp([channels, 1, 1], seed: 9)))
  }

  @Test(arguments: [true, false]) func groupsBetweenReshapes(_ affine: Bool) throws {
    let check = try PassCheck([ramp([2, 12, 5, 6])]) { b, x in
      [try grouped(b, x[0], 4, 12, affine: affine)]
    }
    #expect(check.after == ["GroupNormalization"])
    #expect(check.error < 1e-5)
  }

  @Test(.enabled(if: InstructionSet.current >= .avx2)) func staysInBlocksBetweenConvolutions()
    throws
  {
    let check = try PassCheck([ramp([1, 24, 6, 6])], lastStage: .layout) { b, x in
      let w = try b.constant(ramp([32, 24, 3, 3], scale: 0.25, seed: 2))
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      let first = try b.apply(Conv(window: same), x[0], w)
      let y = try b.apply(Swish(), try grouped(b, first, 8, 32, affine: true))
      let v = try b.constant(ramp([24, 32, 3, 3], scale: 0.25, seed: 6))
      return [try b.apply(Conv(window: same), y, v)]
    }
    #expect(check.after.contains("BlockedGroupNormalization"))
    #expect(check.after.count { $0 == "ToBlocked" || $0 == "FromBlocked" } == 2)
    #expect(check.error < 1e-4)
  }
}
