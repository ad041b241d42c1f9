import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// Convolutions that blocks of channels do not suit, within images in blocks.
@Suite(.enabled(if: InstructionSet.current >= .avx512)) struct FewOutputsTests {
  private func conv(
    _ b: GraphBuilder, _ x: ValueID, _ from: Int, _ to: Int, _ k: Int, group: Int = 1,
    stride: Int = 1
  ) throws -> ValueID {
    let p = k / 2
    let window = Window(strides: [stride, stride], padsBegin: [p, p], padsEnd: [p, p])
    let w = try b.constant(ramp([to, from / group, k, k], scale: 0.25, seed: to + k))
    return try b.apply(
      Conv(window: window, group: group), x, w, try b.constant(ramp([to], seed: 3)))
  }

  @Test func fewOutputsAreSummedOverPlanes() throws {
    let check = try PassCheck([ramp([2, 16, 11, 30])], lastStage: .layout) { b, x in
      let y = try b.apply(Relu(), try conv(b, x[0], 16, 32, 3))
      return [try b.apply(Tanh(), try conv(b, y, 32, 3, 5))]
    }
    #expect(check.after == ["ToBlocked", "BlockedConv", "FromBlocked", "FusedConv"])
    #expect(check.error < 1e-5)
  }

  @Test(arguments: [(9, 3, 4, 2), (4, 2, 1, 0), (2, 2, 0, 0), (8, 4, 2, 1)])
  func transposedOnesToo(k: Int, stride: Int, pad: Int, outer: Int) throws {
    let check = try PassCheck([ramp([2, 16, 7, 14])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 20, 3)
      let w = try b.constant(ramp([20, 3, k, k], scale: 0.25, seed: 5))
      let op = ConvTranspose(
        window: Window(
          strides: [stride, stride], padsBegin: [pad, pad], padsEnd: [pad, pad]),
        outputPadding: [outer, outer])
      return [try b.apply(op, y, w, try b.constant(ramp([3], seed: 2)))]
    }
    #expect(check.after == ["ToBlocked", "BlockedConv", "FromBlocked", "ConvTranspose"])
    #expect(check.error < 1e-5)
  }

  @Test(arguments: [(2, 1), (3, 2)]) func severalResultsOfEachChannel(times: Int, stride: Int)
    throws
  {
    let check = try PassCheck([ramp([2, 16, 9, 12])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 24, 3)
      let deep = try b.apply(
        Relu(), try conv(b, y, 24, 24 * times, 3, group: 24, stride: stride))
      return [try conv(b, deep, 24 * times, 16, 1)]
    }
    #expect(check.after.count { $0 == "BlockedConv" } == 2 + times)
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.error < 1e-5)
  }
}
