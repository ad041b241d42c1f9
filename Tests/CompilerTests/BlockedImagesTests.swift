import Graphs
import Kernels
import Operators
import Tensors
import Testing

@Suite(.enabled(if: InstructionSet.current >= .avx2)) struct BlockedImagesTests {
  private func conv(
    _ b: GraphBuilder, _ x: ValueID, _ from: Int, _ to: Int, _ k: Int = 1, group: Int = 1,
    stride: Int = 1
  ) throws -> ValueID {
    let p = k / 2
    let window = Window(strides: [stride, stride], padsBegin: [p, p], padsEnd: [p, p])
    let w = try b.constant(ramp([to, from / group, k, k], scale: 0.25, seed: to + k))
    return try b.apply(
      Conv(window: window, group: group), x, w, try b.constant(ramp([to], seed: 3)))
  }

  @Test func aResidualBlockChangesLayoutOnlyAtItsEdges() throws {
    let check = try PassCheck([ramp([2, 3, 12, 10])], lastStage: .layout) { b, x in
      let first = try b.apply(Relu(), try conv(b, x[0], 3, 32, 3, stride: 2))
      let pooled = try b.apply(
        MaxPool(Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])),
        first)
      let inner = try conv(b, try b.apply(Relu(), try conv(b, pooled, 32, 16)), 16, 32, 3)
      let sum = try b.apply(Relu(), try b.apply(Add(), inner, pooled))
      let mean = try b.apply(GlobalAveragePool(), sum)
      return [try b.apply(Flatten(axis: 1), mean)]
    }
    #expect(
      check.after == [
        "BlockedConv", "BlockedMaxPool", "BlockedConv", "BlockedConv", "BlockedGlobalAveragePool",
        "Flatten",
      ])
    #expect(check.error < 1e-5)
  }

  @Test func aMeanWithoutItsAxesLeavesBlocks() throws {
    let check = try PassCheck([ramp([2, 16, 6, 5])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 32, 3)
      let axes = try b.constant(Tensor([2, 3] as [Int64]))
      return [try b.apply(ReduceMean(ReduceAxes(keepDims: false)), y, axes)]
    }
    #expect(check.after.contains("BlockedGlobalAveragePool"))
    #expect(!check.after.contains("ReduceMean"))
    #expect(check.error < 1e-5)
  }

  @Test func squeezeAndExcitationStaysInBlocks() throws {
    let check = try PassCheck([ramp([1, 28, 6, 6])], lastStage: .layout) { b, x in
      let deep = try b.apply(Swish(), try conv(b, x[0], 28, 28, 3, group: 28))
      let mean = try b.apply(GlobalAveragePool(), deep)
      let gate = try b.apply(
        Sigmoid(), try conv(b, try b.apply(Relu(), try conv(b, mean, 28, 26)), 26, 28))
      return [try conv(b, try b.apply(Mul(), gate, deep), 28, 24)]
    }
    #expect(check.after.first == "ToBlocked")
    #expect(check.after.last == "FromBlocked")
    #expect(check.after.count { $0 == "BlockedConv" } == 4)
    #expect(!check.after.contains("Mul"))
    #expect(check.error < 1e-5)
  }

  @Test func imagesJoinWhereTheyFillTheirBlocks() throws {
    let check = try PassCheck([ramp([1, 16, 4, 4])], lastStage: .layout) { b, x in
      let (left, right) = (try conv(b, x[0], 16, 32), try conv(b, x[0], 16, 20))
      let joined = try b.apply(Concat(axis: 1), left, right)
      let scales = try b.constant(Tensor([1, 1, 2, 2] as [Float]))
      let large = try b.apply(
        Resize(mode: .nearest), inputs: [joined, nil, scales])
      return [try conv(b, large, 52, 16, 3)]
    }
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ToBlocked" } == 1)
    #expect(check.error < 1e-5)
  }

  @Test func imagesGrowToSizesThatAreKnown() throws {
    let check = try PassCheck(
      [ramp([2, 16, 4, 5])], sizes: [["n", "", "", ""]], lastStage: .layout
    ) { b, x in
      let y = try conv(b, x[0], 16, 32, 3)
      let batch = try b.apply(
        Slice(), try b.apply(ShapeOp(), x[0]), try b.constant(Tensor([0] as [Int64])),
        try b.constant(Tensor([1] as [Int64])))
      let to = try b.apply(
        Concat(axis: 0), batch, try b.constant(Tensor([32, 8, 11] as [Int64])))
      let large = try b.apply(Resize(mode: .linear), inputs: [y, nil, nil, to])
      return [try conv(b, large, 32, 16, 3)]
    }
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ToBlocked" } == 1)
    #expect(check.error < 1e-5)
  }

  @Test func lanesMoveWhereImagesDoNotFillTheirBlocks() throws {
    let check = try PassCheck([ramp([1, 16, 4, 4])], lastStage: .layout) { b, x in
      let (left, right) = (try conv(b, x[0], 16, 20), try conv(b, x[0], 16, 28))
      let joined = try b.apply(Concat(axis: 1), left, right)
      let parts = try b.apply(Split(axis: 1, parts: 2), inputs: [joined], outputs: 2)
      let shape = try b.constant(Tensor([1, 3, 8, 4, 4] as [Int64]))
      let back = try b.constant(Tensor([1, 24, 4, 4] as [Int64]))
      let groups = try b.apply(Reshape(), try conv(b, parts[0], 24, 24, 1, group: 3), shape)
      let turned = try b.apply(Transpose(perm: [0, 2, 1, 3, 4]), groups)
      let mixed = try b.apply(Reshape(), turned, back)
      return [try b.apply(Add(), try conv(b, mixed, 24, 24, 3), parts[1])]
    }
    #expect(check.after.count { $0 == "BlockedChannels" } == 4)
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ToBlocked" } == 1)
    #expect(check.error < 1e-5)
  }

  @Test func wholeBlocksMoveToChannelsLastAndBack() throws {
    let check = try PassCheck([ramp([2, 16, 5, 4])], sizes: [["n"]], lastStage: .layout) { b, x in
      let image = try conv(b, x[0], 16, 32)
      let last = try b.apply(Transpose(perm: [0, 2, 3, 1]), image)
      let w = try b.constant(ramp([32, 32], scale: 0.25, seed: 9))
      let product = try b.apply(MatMul(), last, w)
      let first = try b.apply(Transpose(perm: [0, 3, 1, 2]), product)
      return [try conv(b, try b.apply(Add(), first, image), 32, 16, 3)]
    }
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ToBlocked" } == 1)
    #expect(check.error < 1e-5)
  }

  @Test func tokensBecomeAnImageAndTokensAgainInWholeBlocks() throws {
    let check = try PassCheck([ramp([2, 20, 32])], lastStage: .layout) { b, x in
      func reshape(_ v: ValueID, _ sizes: [Int64]) throws -> ValueID {
        try b.apply(Reshape(), v, try b.constant(Tensor(sizes)))
      }
      let line = try b.apply(Transpose(perm: [0, 2, 1]), try b.apply(Exp(), x[0]))
      let image = try reshape(line, [2, 32, 5, 4])
      let y = try conv(b, image, 32, 48, 3)
      let tokens = try b.apply(Transpose(perm: [0, 2, 1]), try reshape(y, [2, 48, -1]))
      return [try b.apply(Abs(), tokens)]
    }
    #expect(!check.after.contains("ToBlocked") && !check.after.contains("FromBlocked"))
    #expect(check.after.count { $0 == "Transpose" } == 2)
    #expect(check.error < 1e-5)
  }

  @Test func aLargeExpansionGoesByBands() throws {
    let check = try PassCheck([ramp([1, 16, 60, 56])], lastStage: .layout) { b, x in
      let wide = try b.apply(Relu(), try conv(b, x[0], 16, 96))
      let deep = try b.apply(Swish(), try conv(b, wide, 96, 96, 3, group: 96, stride: 2))
      return [try conv(b, deep, 96, 16)]
    }
    #expect(check.after == ["ToBlocked", "BlockedExpand", "BlockedConv", "FromBlocked"])
    #expect(check.error < 1e-5)
  }

  @Test func transposedConvolutionsStayInBlocks() throws {
    let check = try PassCheck([ramp([1, 16, 5, 4])], lastStage: .layout) { b, x in
      let w = try b.constant(ramp([24, 20, 2, 2], scale: 0.25, seed: 5))
      let large = try b.apply(
        ConvTranspose(window: Window(strides: [2, 2])), try conv(b, x[0], 16, 24), w)
      return [try conv(b, large, 20, 16, 3)]
    }
    #expect(check.after.contains("BlockedConvTranspose"))
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ToBlocked" } == 1)
    #expect(check.error < 1e-5)
  }

  @Test func whatHasNoBlockedFormGetsThePlainImage() throws {
    let check = try PassCheck([ramp([1, 16, 4, 4])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 17)
      return [y, try b.apply(Transpose(perm: [0, 2, 3, 1]), y)]
    }
    #expect(check.after.sorted() == ["BlockedConv", "FromBlocked", "ToBlocked", "Transpose"])
    #expect(check.error < 1e-5)
  }

  @Test func aConstantForEachChannelAndANormAreKept() throws {
    let check = try PassCheck([ramp([1, 16, 4, 4])], lastStage: .layout) { b, x in
      let y = try conv(b, x[0], 16, 19)
      let list = try (0..<3).map { try b.constant(ramp([19], seed: $0 * 3)) }
      let variance = try b.constant(ramp([19], scale: 0.5, seed: 2).raised(by: 1))
      let slope = try b.constant(ramp([19, 1, 1], seed: 7))
      let a = try b.apply(PRelu(), y, slope)
      let n = try b.apply(
        BatchNormalization(), inputs: [a, list[0], list[1], list[2], variance])
      return [try conv(b, try b.apply(Add(), n, y), 19, 8)]
    }
    #expect(check.after.count { $0 == "FromBlocked" } == 1)
    #expect(check.after.count { $0 == "ElementwiseChain" } == 1)
    #expect(check.error < 1e-5)
  }
}

extension Tensor {
  /// Each element plus a number.
  func raised(by number: Float) throws -> Tensor {
    try Tensor(shape: shape, elements(Float.self).map { $0 + number })
  }
}
