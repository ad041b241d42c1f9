import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// Volumes, whose planes are images one after another in blocks.
@Suite(.enabled(if: InstructionSet.current >= .avx2)) struct BlockedVolumesTests {
  private func conv(
    _ b: GraphBuilder, _ x: ValueID, _ from: Int, _ to: Int, _ k: [Int], group: Int = 1,
    strides: [Int] = [1, 1, 1]
  ) throws -> ValueID {
    let pads = k.map { $0 / 2 }
    let window = Window(strides: strides, padsBegin: pads, padsEnd: pads)
    let w = try b.constant(
      ramp([to, from / group, k[0], k[1], k[2]], scale: 0.25, seed: to + k[0]))
    return try b.apply(
      Conv(window: window, group: group), x, w, try b.constant(ramp([to], seed: 3)))
  }

  @Test(arguments: [1, 2]) func aVideoNetworkChangesLayoutOnlyAtItsEdges(_ batch: Int) throws {
    let check = try PassCheck([ramp([batch, 3, 5, 12, 10])], lastStage: .layout) { b, x in
      let stem = try conv(b, x[0], 3, 24, [1, 3, 3], strides: [1, 2, 2])
      let first = try b.apply(Relu(), try conv(b, stem, 24, 24, [5, 1, 1], group: 24))
      let wide = try b.apply(Relu(), try conv(b, first, 24, 54, [1, 1, 1]))
      let deep = try conv(b, wide, 54, 54, [3, 3, 3], group: 54, strides: [2, 1, 1])
      let squeezed = try b.apply(GlobalAveragePool(), deep)
      let inner = try b.apply(Relu(), try conv(b, squeezed, 54, 8, [1, 1, 1]))
      let factors = try b.apply(Sigmoid(), try conv(b, inner, 8, 54, [1, 1, 1]))
      let scaled = try b.apply(Swish(), try b.apply(Mul(), deep, factors))
      let skip = try conv(b, first, 24, 24, [1, 1, 1], strides: [2, 1, 1])
      let sum = try b.apply(Add(), skip, try conv(b, scaled, 54, 24, [1, 1, 1]))
      let gated = try conv(
        b, try b.apply(Mul(), sum, try b.apply(GlobalAveragePool(), sum)),
        24, 32, [1, 1, 1])
      let axes = try b.constant(Tensor([2, 3, 4] as [Int64]))
      return [try b.apply(ReduceMean(ReduceAxes(keepDims: false)), gated, axes)]
    }
    #expect(!check.after.contains("ToBlocked"))
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "BlockedVolumeConv" } == 4)
    #expect(!check.after.contains("Conv") && !check.after.contains("FusedConv"))
    #expect(check.error < 1e-5)
  }

  @Test func poolingsAndJoints() throws {
    let check = try PassCheck([ramp([2, 16, 6, 9, 8])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 20, [3, 3, 3])
      let most = try b.apply(
        MaxPool(
          Window(
            kernel: [3, 3, 3], strides: [2, 2, 2], padsBegin: [1, 1, 1], padsEnd: [1, 1, 1])), y)
      let mean = try b.apply(
        AveragePool(
          Window(
            kernel: [2, 3, 2], strides: [2, 2, 2], padsBegin: [0, 1, 0], padsEnd: [0, 1, 0])), y)
      let planes = try b.apply(MaxPool(Window(kernel: [1, 2, 2], strides: [1, 2, 2])), y)
      let joined = try b.apply(Concat(axis: 1), most, try b.apply(Relu(), mean))
      return [try conv(b, joined, 40, 16, [1, 3, 3]), planes]
    }
    #expect(check.after.count { $0 == "FromBlocked" } == 2)
    #expect(check.after.count { $0 == "BlockedMaxPool" } == 3)
    #expect(check.after.count { $0 == "BlockedAveragePool" } == 2)
    #expect(check.error < 1e-5)
  }

  @Test func normsAndTransposedConvolutions() throws {
    let check = try PassCheck([ramp([2, 16, 4, 6, 6])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 24, [3, 3, 3])
      let (gain, bias) = (try b.constant(ramp([24], seed: 2)), try b.constant(ramp([24], seed: 9)))
      let each = try b.apply(
        LeakyRelu(alpha: 0.1), try b.apply(InstanceNormalization(), y, gain, bias))
      let groups = try b.apply(GroupNormalization(groups: 3), each, gain, bias)
      let small = try b.apply(MaxPool(Window(kernel: [2, 2, 2], strides: [2, 2, 2])), groups)
      let w = try b.constant(ramp([24, 20, 2, 2, 2], scale: 0.25, seed: 4))
      let large = try b.apply(
        ConvTranspose(window: Window(strides: [2, 2, 2])), small, w,
        try b.constant(ramp([20], seed: 6)))
      return [try conv(b, try b.apply(Concat(axis: 1), large, groups), 44, 16, [3, 3, 3])]
    }
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ToBlocked" } == 1)
    #expect(check.after.count { $0 == "BlockedGroupNormalization" } == 2)
    #expect(check.after.contains("BlockedConvTranspose"))
    #expect(check.error < 2e-5)
  }

  /// Groups of several channels across planes have no kernel in blocks; of one plane they have.
  @Test func groupsStayPlainAcrossPlanes() throws {
    let check = try PassCheck([ramp([1, 32, 3, 5, 5])], lastStage: .layout) { b, x in
      [
        try conv(b, x[0], 32, 32, [3, 3, 3], group: 2),
        try conv(b, x[0], 32, 32, [1, 3, 3], group: 2),
        try conv(b, x[0], 32, 32, [3, 3, 3], group: 8),
      ]
    }
    #expect(check.after.contains("Conv") && check.after.contains("BlockedConv"))
    #expect(check.after.contains("BlockedVolumeConv"))
    #expect(check.error < 1e-5)
  }
}
