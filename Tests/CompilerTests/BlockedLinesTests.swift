import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// Images of one spatial axis, as blocks of one row.
@Suite(.enabled(if: InstructionSet.current >= .avx2)) struct BlockedLinesTests {
  private func conv(
    _ b: GraphBuilder, _ x: ValueID, _ from: Int, _ to: Int, _ k: Int = 1, group: Int = 1,
    stride: Int = 1, dilation: Int = 1
  ) throws -> ValueID {
    let p = k / 2 * dilation
    let window = Window(strides: [stride], dilations: [dilation], padsBegin: [p], padsEnd: [p])
    let w = try b.constant(ramp([to, from / group, k], scale: 0.25, seed: to + k))
    return try b.apply(
      Conv(window: window, group: group), x, w, try b.constant(ramp([to], seed: 3)))
  }

  @Test func aResidualNetworkChangesLayoutOnlyAtItsEdges() throws {
    let check = try PassCheck([ramp([2, 1, 331])], lastStage: .layout) { b, x in
      let first = try b.apply(Relu(), try conv(b, x[0], 1, 32, 11, stride: 3))
      let pooled = try b.apply(
        MaxPool(Window(kernel: [3], strides: [2], padsBegin: [1], padsEnd: [1])), first)
      let inner = try conv(
        b, try b.apply(Gelu(), try conv(b, pooled, 32, 48, 3, dilation: 2)), 48, 32, 3)
      let sum = try b.apply(Relu(), try b.apply(Add(), inner, pooled))
      let factor = try b.constant(ramp([1, 32, 1], seed: 5))
      let deep = try conv(b, try b.apply(Mul(), sum, factor), 32, 32, 5, group: 32)
      return [try b.apply(GlobalAveragePool(), deep)]
    }
    #expect(check.after.first == "Unsqueeze")
    #expect(check.after.last == "Squeeze")
    #expect(!check.after.contains("ToBlocked"))
    #expect(!check.after.contains("FromBlocked"))
    #expect(check.after.count { $0 == "BlockedConv" } == 4)
    #expect(check.error < 1e-5)
  }

  @Test func jointsPartsAndMeansOfLinesStayInBlocks() throws {
    let check = try PassCheck([ramp([3, 16, 50])], lastStage: .layout) { b, x in
      let (left, right) = (try conv(b, x[0], 16, 32, 3), try conv(b, x[0], 16, 20, 4))
      let bounds = try [0, 50, 2].map { try b.constant(Tensor([Int64($0)])) }
      let cut = try b.apply(Slice(), inputs: [right] + bounds)
      let joined = try b.apply(Concat(axis: -2), left, cut)
      let parts = try b.apply(Split(axis: 1, parts: 2), inputs: [joined], outputs: 2)
      let axes = try b.constant(Tensor([-1] as [Int64]))
      let mean = try b.apply(ReduceMean(ReduceAxes()), try conv(b, parts[0], 26, 32, 3), axes)
      let rows = try b.apply(Transpose(perm: [0, 2, 1]), try conv(b, parts[1], 26, 48, 3))
      return [mean, rows]
    }
    #expect(check.after.contains("BlockedGlobalAveragePool"))
    #expect(check.error < 1e-5)
  }

  @Test func largestElementsAreFoundInBlocks() throws {
    let check = try PassCheck([ramp([2, 16, 37]), ramp([1, 16, 5, 6])], lastStage: .layout) {
      b, x in
      let line = try conv(b, x[0], 16, 40, 3)
      let axes = try [[2], [-2, 3]].map { try b.constant(Tensor($0.map { Int64($0) })) }
      let window = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      let w = try b.constant(ramp([20, 16, 3, 3], scale: 0.25, seed: 8))
      let image = try b.apply(Conv(window: window), x[1], w)
      return [
        try b.apply(ReduceMax(ReduceAxes(keepDims: false)), line, axes[0]),
        try b.apply(ReduceMax(ReduceAxes()), line, axes[0]),
        try b.apply(ReduceMax(ReduceAxes(keepDims: false)), image, axes[1]),
        try b.apply(GlobalMaxPool(), image),
      ]
    }
    #expect(check.after.count { $0 == "BlockedMaxPool" } == 4)
    #expect(!check.after.contains("ReduceMax") && !check.after.contains("GlobalMaxPool"))
    #expect(check.error < 1e-5)
  }

  /// What broadcasts otherwise than an image of channels does.
  @Test func aConstantAlongTheStepsStaysPlain() throws {
    let check = try PassCheck([ramp([2, 16, 16])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 16, 3)
      let steps = try b.constant(ramp([16], seed: 7))
      let rows = try b.constant(ramp([16, 16], seed: 8))
      return [try b.apply(Add(), try b.apply(Mul(), y, steps), rows)]
    }
    #expect(check.error < 1e-5)
  }

  @Test func aValueOfUnknownRankStaysPlain() throws {
    let sizes = try Tensor([2, 16, 9] as [Int64])
    let check = try PassCheck(
      [ramp([2, 16, 9]), sizes], sizes: [[], ["k"]], lastStage: .layout
    ) { b, x in
      [try conv(b, try b.apply(Reshape(), x[0], x[1]), 16, 16, 3)]
    }
    #expect(!check.after.contains("BlockedConv"))
    #expect(check.error < 1e-5)
  }
}
