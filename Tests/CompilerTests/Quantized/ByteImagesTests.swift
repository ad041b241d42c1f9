import Compiler
import Graphs
import Kernels
import Operators
import Runtime
import Tensors
import Testing

/// Quantised networks as ONNX Runtime, PyTorch and others write them, before and after.
@Suite struct ByteImagesTests {
  /// Builds networks with pairs of QuantizeLinear and DequantizeLinear.
  private struct Net {
    let b: GraphBuilder

    func quantised(
      _ x: ValueID, _ scale: Float, _ zero: Int, signed: Bool = false
    ) throws -> ValueID {
      let point =
        signed
        ? try b.constant(Tensor(scalar: Int8(zero - 128)))
        : try b.constant(Tensor(scalar: UInt8(zero)))
      let s = try b.constant(Tensor(scalar: scale))
      let q = try b.apply(QuantizeLinear(), inputs: [x, s, point])
      return try b.apply(DequantizeLinear(), inputs: [q, s, point])
    }

    func weights(_ shape: Shape, _ seed: Int, axis: Int = 0) throws -> ValueID {
      let values = (0..<shape.count).map {
        Int8(truncatingIfNeeded: ($0 + seed) * 7919 % 255 - 127)
      }
      let scales = (0..<shape[axis]).map { Float($0 % 4 + 2) / 2000 }
      return try b.apply(
        DequantizeLinear(scales: .init(axis: axis)),
        inputs: [
          b.constant(Tensor(shape: shape, values)), b.constant(Tensor(scales)),
          b.constant(Tensor([Int8](repeating: 0, count: shape[axis]))),
        ])
    }

    /// A convolution of what has the scale 0.05, with a bias in steps of its products.
    func conv(
      _ x: ValueID, _ from: Int, _ to: Int, _ k: Int, stride: Int = 1, group: Int = 1
    ) throws -> ValueID {
      let p = k / 2
      let window = Window(strides: [stride, stride], padsBegin: [p, p], padsEnd: [p, p])
      let steps = (0..<to).map { Float(0.05) * (Float($0 % 4 + 2) / 2000) }
      let bias = try b.apply(
        DequantizeLinear(scales: .init(axis: 0)),
        inputs: [
          b.constant(Tensor((0..<to).map { Int32($0 * 700 - 3000) })), b.constant(Tensor(steps)),
        ])
      return try b.apply(
        Conv(window: window, group: group), x, weights([to, from / group, k, k], to + k), bias)
    }
  }

  private func check(
    _ shape: Shape, _ build: @escaping (Net, ValueID) throws -> ValueID
  ) throws -> PassCheck {
    try PassCheck([ramp(shape, scale: 3)], opset: 21, lastStage: .layout) { b, x in
      [try build(Net(b: b), x[0])]
    }
  }

  @Test func aResidualNetworkStaysInBytes() throws {
    let made = try check([2, 3, 12, 10]) { n, x in
      let first = try n.quantised(
        n.b.apply(Relu(), n.conv(n.quantised(x, 0.05, 100), 3, 32, 3, stride: 2)), 0.05, 0)
      let pool = Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
      let pooled = try n.quantised(n.b.apply(MaxPool(pool), first), 0.05, 0)
      let deep = try n.quantised(n.conv(pooled, 32, 32, 3, group: 32), 0.05, 120)
      let inner = try n.quantised(n.conv(deep, 32, 32, 1), 0.05, 128)
      let sum = try n.quantised(
        n.b.apply(Relu(), n.b.apply(Add(), inner, pooled)), 0.06, 0)
      let mean = try n.quantised(n.b.apply(GlobalAveragePool(), sum), 0.05, 0)
      let row = try n.quantised(n.b.apply(Flatten(axis: 1), mean), 0.05, 0)
      let dense = try n.b.apply(
        Gemm(transB: true), inputs: [row, n.weights([10, 32], 5)])
      return try n.quantised(dense, 0.01, 128)
    }
    #expect(
      made.after == [
        "ToBytes", "ByteConv", "ByteMaxPool", "ByteConv", "ByteConv", "ByteAveragePool",
        "FromBytes", "Reshape", "QuantizedLinear",
      ])
    // One step of the last scale of some hundred.
    #expect(made.error < 0.012, "\(made.error)")
  }

  /// 9 outputs take 12 bytes a pixel. Scales put no sum on a tie.
  @Test(arguments: [(2, 2), (3, 1)]) func windowsSideBySideAreWoven(_ k: (Int, Int)) throws {
    let made = try check([2, 16, 5, 6]) { n, x in
      let a = try n.quantised(x, 0.0213, 128)
      let weights = try n.weights([16, 9, k.0, k.1], 3, axis: 1)
      let bias = try n.b.constant(ramp([9], scale: 0.5, seed: 4))
      let up = try n.b.apply(
        ConvTranspose(window: Window(strides: [k.0, k.1])), a, weights, bias)
      return try n.quantised(n.b.apply(Relu(), up), 0.0107, 3)
    }
    #expect(
      made.after == ["ToBytes", "ByteConv", "Reshape", "Transpose", "Reshape", "FromBytes"])
    #expect(made.error < 0.012, "\(made.error)")
  }

  @Test func overlappingWindowsStayInFloats() throws {
    let made = try check([1, 8, 5, 6]) { n, x in
      let a = try n.quantised(n.conv(n.quantised(x, 0.05, 128), 8, 16, 1), 0.05, 128)
      let up = try n.b.apply(
        ConvTranspose(window: Window(strides: [2, 2])), a, n.weights([16, 9, 3, 3], 3, axis: 1))
      return try n.quantised(up, 0.05, 10)
    }
    #expect(made.after.contains { $0.hasSuffix("ConvTranspose") })
    #expect(made.error < 0.012, "\(made.error)")
  }

  /// Sums start from a bias in steps of its products, folded or not; others are added to them.
  @Test func biasesInWholeStepsStayWhole() throws {
    func type(_ shift: Float?) throws -> DType? {
      let made = try check([1, 8, 6, 5]) { n, x in
        let a = try n.quantised(x, 0.05, 128)
        guard let shift else { return try n.quantised(n.conv(a, 8, 9, 1), 0.05, 128) }
        let steps = (0..<9).map { Float(0.05) * (Float($0 % 4 + 2) / 2000) }
        let bias = try n.b.constant(
          Tensor((0..<9).map { Float($0 * 700 - 3000) * steps[$0] + shift * steps[$0] }))
        return try n.quantised(n.b.apply(Conv(), a, n.weights([9, 8, 1, 1], 2), bias), 0.05, 128)
      }
      #expect(made.error < 0.012, "\(made.error)")
      let node = try #require(made.graph.nodes.first { $0.type == "ByteConv" })
      let bias = try #require(node.inputs.count > 3 ? node.inputs[3] : nil)
      return made.graph.values[bias.index].fact.dtype
    }
    #expect(try type(nil) == .int32)
    #expect(try type(0) == .int32)
    #expect(try type(0.3) == .float32)
  }

  @Test func signedActivationsAndUnquantisedSums() throws {
    let made = try check([1, 8, 9, 9]) { n, x in
      let a = try n.quantised(x, 0.05, 128, signed: true)
      let c = try n.conv(a, 8, 8, 3)
      return try n.quantised(n.b.apply(Add(), c, a), 0.05, 128, signed: true)
    }
    #expect(made.after == ["ToBytes", "ByteConv", "FromBytes"])
    #expect(made.error < 0.012, "\(made.error)")
  }

  @Test func functionsBecomeOneTable() throws {
    let made = try check([1, 8, 6, 6]) { n, x in
      // A scale that puts no sum on a tie, where float32 may round either way.
      let c = try n.quantised(n.conv(n.quantised(x, 0.05, 128), 8, 12, 1), 0.0513, 128)
      let gate = try n.quantised(n.b.apply(Sigmoid(), c), 1 / 255, 0)
      let silu = try n.quantised(n.b.apply(Mul(), c, gate), 0.05, 10)
      return try n.quantised(n.conv(silu, 12, 8, 1), 0.005, 128)
    }
    #expect(made.after == ["ToBytes", "ByteConv", "ByteTable", "ByteConv", "FromBytes"])
    // Results span some hundred steps.
    #expect(made.error < 0.012, "\(made.error)")
  }

  @Test func squeezeAndExcitationJoinsAndSizes() throws {
    let made = try check([1, 8, 6, 6]) { n, x in
      let q = try n.quantised(n.conv(n.quantised(x, 0.05, 128), 8, 8, 3), 0.05, 128)
      let mean = try n.quantised(n.b.apply(GlobalAveragePool(), q), 0.05, 128)
      let gate = try n.quantised(
        n.b.apply(Sigmoid(), n.quantised(n.conv(mean, 8, 8, 1), 0.05, 128)), 1 / 255, 0)
      let gated = try n.quantised(n.b.apply(Mul(), gate, q), 0.05, 120)
      let joined = try n.quantised(n.b.apply(Concat(axis: 1), gated, q), 0.05, 128)
      let scales = try n.b.constant(Tensor([1, 1, 2, 2] as [Float]))
      let large = try n.quantised(
        n.b.apply(Resize(mode: .nearest), inputs: [joined, nil, scales]), 0.05, 128)
      return try n.quantised(n.conv(large, 16, 8, 3, stride: 2), 0.05, 128)
    }
    #expect(made.after.count { $0 == "ByteConv" } == 3)
    #expect(made.after.count { $0 == "ByteMul" } == 1)
    #expect(made.after.count { $0 == "ToBytes" || $0 == "FromBytes" } == 2)
    #expect(!made.after.contains("DequantizeLinear"))
    #expect(made.error < 0.012, "\(made.error)")
  }

  /// Channels that are not in fours, joined at another scale, shuffled and cut in two.
  @Test func shuffledChannelsStayInBytes() throws {
    let made = try check([2, 8, 6, 5]) { n, x in
      let a = try n.quantised(n.conv(n.quantised(x, 0.05, 128), 8, 10, 1), 0.05, 128)
      let b = try n.quantised(n.conv(a, 10, 10, 3, group: 10), 0.06, 120)
      let joined = try n.quantised(n.b.apply(Concat(axis: 1), a, b), 0.055, 125)
      let apart = try n.b.apply(
        Reshape(), inputs: [joined, n.b.constant(Tensor([2, 2, 10, 6, 5] as [Int64]))])
      let turned = try n.quantised(
        n.b.apply(Transpose(perm: [0, 2, 1, 3, 4]), n.quantised(apart, 0.055, 125)), 0.055, 125)
      let whole = try n.quantised(
        n.b.apply(
          Reshape(), inputs: [turned, n.b.constant(Tensor([2, 20, 6, 5] as [Int64]))]), 0.055, 125)
      let ends = try [[0], [10], [20], [1]].map { try n.b.constant(Tensor($0.map { Int64($0) })) }
      let left = try n.quantised(
        n.b.apply(Slice(), inputs: [whole, ends[0], ends[1], ends[3]]), 0.055, 125)
      let right = try n.quantised(
        n.b.apply(Slice(), inputs: [whole, ends[1], ends[2], ends[3]]), 0.055, 125)
      let c = try n.quantised(n.conv(right, 10, 10, 1), 0.05, 128)
      let again = try n.quantised(n.b.apply(Concat(axis: 1), left, c), 0.05, 128)
      return try n.quantised(n.conv(again, 20, 8, 1), 0.0513, 128)
    }
    #expect(
      made.after == [
        "ToBytes", "ByteConv", "ByteConv", "ByteChannels", "ByteConv", "ByteChannels", "ByteConv",
        "FromBytes",
      ])
    #expect(made.error < 0.12, "\(made.error)")
  }

  /// A BatchNormalization behind a join, as DenseNet has them, its scale quantised.
  @Test func normsOfJoinsStayInBytes() throws {
    let made = try check([2, 8, 6, 5]) { n, x in
      let a = try n.quantised(n.conv(n.quantised(x, 0.05, 128), 8, 10, 1), 0.05, 128)
      let b = try n.quantised(n.conv(a, 10, 6, 3), 0.06, 120)
      let joined = try n.quantised(n.b.apply(Concat(axis: 1), a, b), 0.0553, 125)
      let scale = try n.b.apply(
        DequantizeLinear(),
        inputs: [
          n.b.constant(Tensor((0..<16).map { Int8($0 * 9 - 60) })),
          n.b.constant(Tensor(scalar: 0.013 as Float)),
        ])
      let others = try [3, 4].map { try n.b.constant(ramp([16], scale: 0.7, seed: $0)) }
      let spread = try n.b.constant(Tensor((0..<16).map { Float($0) * 0.1 + 0.5 }))
      let norm = try n.b.apply(
        BatchNormalization(), inputs: [joined, scale, others[0], others[1], spread])
      let y = try n.quantised(n.b.apply(Relu(), norm), 0.0117, 0)
      return try n.quantised(n.conv(y, 16, 8, 1), 0.0513, 128)
    }
    #expect(
      made.after == [
        "ToBytes", "ByteConv", "ByteConv", "ByteChannels", "ByteAffine", "ByteConv", "FromBytes",
      ])
    #expect(made.error < 0.12, "\(made.error)")
  }

  @Test func floatLayersBetweenBytesStayFloat() throws {
    let made = try check([1, 8, 6, 6]) { n, x in
      let a = try n.conv(n.quantised(x, 0.05, 128), 8, 16, 3)
      let q = try n.quantised(a, 0.05, 128)
      let w = try n.b.constant(ramp([16, 16, 1, 1], scale: 0.1))
      let float = try n.b.apply(Conv(), q, w)
      return try n.quantised(n.conv(n.quantised(float, 0.05, 128), 16, 8, 1), 0.05, 128)
    }
    #expect(made.after.count { $0 == "ByteConv" } == 2)
    #expect(made.after.contains { $0 == "BlockedConv" || $0 == "Conv" })
    #expect(made.error < 0.012, "\(made.error)")
  }

  @Test func linearOperatorsBecomeTheSame() throws {
    let q = try Tensor(shape: [1, 8, 6, 6], (0..<288).map { UInt8($0 * 37 % 256) })
    let made = try PassCheck([q], opset: 21, lastStage: .layout) { b, x in
      let s = try b.constant(Tensor(scalar: 0.05 as Float))
      let zero = try b.constant(Tensor(scalar: 128 as UInt8))
      let none = try b.constant(Tensor(scalar: 0 as Int8))
      let w = try b.constant(
        Tensor(shape: [8, 8, 3, 3], (0..<576).map { Int8($0 * 31 % 255 - 127) }))
      let step = try b.constant(Tensor((0..<8).map { Float($0 + 2) / 2000 }))
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      let y = try b.apply(
        QLinearConv(window: same), inputs: [x[0], s, zero, w, step, none, s, zero])
      return [try b.apply(QLinearAdd(), inputs: [y, s, zero, x[0], s, zero, s, zero])]
    }
    #expect(made.after.contains("ByteConv"))
    #expect(!made.after.contains("QLinearConv"))
    #expect(made.error < 0.012, "\(made.error)")
  }

  /// What is saved for other runtimes keeps its quantised weights; what runs here without kernels on
  /// integers has them as numbers before the run.
  @Test func quantisedWeightsStayUntilTheLastStage() throws {
    for (stage, stays) in [(PassStage.fusing, true), (.layout, false)] {
      let made = try PassCheck([ramp([2, 6])], opset: 21, lastStage: stage) { b, x in
        let n = Net(b: b)
        return [try b.apply(MatMul(), x[0], n.weights([6, 5], 3, axis: 1))]
      }
      #expect(made.after.contains("DequantizeLinear") == stays)
      #expect(made.error < 1e-6)
    }
  }
}
