import Compiler
import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// Quantised operators of com.microsoft, and moves of quantised images, between convolutions.
@Suite struct QuantizedFormsTests {
  /// Builds networks on one uint8 image whose numbers all have one scale.
  private struct Net {
    let b: GraphBuilder
    let s: ValueID
    let zero: ValueID

    init(_ b: GraphBuilder) throws {
      self.b = b
      s = try b.constant(Tensor(scalar: 0.0513 as Float))
      zero = try b.constant(Tensor(scalar: 128 as UInt8))
    }

    func conv(_ x: ValueID, _ from: Int, _ to: Int) throws -> ValueID {
      let w = try b.constant(
        Tensor(
          shape: [to, from, 3, 3],
          (0..<to * from * 9).map { Int8(truncatingIfNeeded: $0 * 31 % 255 - 127) }))
      let step = try b.constant(Tensor((0..<to).map { Float($0 % 4 + 2) / 2000 }))
      let none = try b.constant(Tensor([Int8](repeating: 0, count: to)))
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      return try b.apply(
        QLinearConv(window: same), inputs: [x, s, zero, w, step, none, s, zero])
    }

    /// `op` between dequantisation and quantisation.
    func between(_ op: any Operator, _ inputs: [ValueID], _ rest: [ValueID?] = []) throws -> ValueID
    {
      let numbers = try inputs.map {
        try b.apply(DequantizeLinear(), inputs: [$0, s, zero]) as ValueID
      }
      let made = try b.apply(op, inputs: numbers + rest) as ValueID
      return try b.apply(QuantizeLinear(), inputs: [made, s, zero])
    }
  }

  private func check(_ build: @escaping (Net, ValueID) throws -> ValueID) throws -> PassCheck {
    let q = try Tensor(shape: [1, 8, 6, 6], (0..<288).map { UInt8($0 * 37 % 256) })
    return try PassCheck([q], opset: 21, lastStage: .layout) { b, x in
      [try build(Net(b), x[0])]
    }
  }

  @Test func microsoftOperatorsStayInBytes() throws {
    let made = try check { n, x in
      let c = try n.conv(x, 8, 8)
      let (b, s, zero) = (n.b, n.s, n.zero)
      let gate = try b.apply(QLinearSigmoid(), inputs: [c, s, zero, s, zero]) as ValueID
      let silu = try b.apply(QLinearMul(), inputs: [c, s, zero, gate, s, zero, s, zero]) as ValueID
      let leaky =
        try b.apply(
          QLinearLeakyRelu(alpha: 0.1), inputs: [c, s, zero, s, zero]) as ValueID
      let pooled =
        try b.apply(
          QLinearAveragePool(
            AveragePool(Window(kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1]))),
          inputs: [leaky, s, zero, s, zero]) as ValueID
      let joined =
        try b.apply(
          QLinearConcat(axis: 1), inputs: [s, zero, silu, s, zero, pooled, s, zero]) as ValueID
      let d = try n.conv(joined, 16, 8)
      let mean =
        try b.apply(
          QLinearGlobalAveragePool(), inputs: [d, s, zero, s, zero]) as ValueID
      return try b.apply(QLinearAdd(), inputs: [d, s, zero, mean, s, zero, s, zero])
    }
    #expect(!made.after.contains { $0.hasPrefix("QLinear") || $0.hasSuffix("quantizeLinear") })
    #expect(made.after.count { $0 == "ToBytes" || $0 == "FromBytes" } == 2, "\(made.after)")
    // A code by one step, which a convolution may make some.
    #expect(made.error <= 3 / 255, "\(made.error)")
  }

  @Test func productsBecomeOne() throws {
    let q = try Tensor(shape: [4, 24], (0..<96).map { UInt8($0 * 37 % 256) })
    let made = try PassCheck([q], opset: 21) { b, x in
      let n = try Net(b)
      let w = try b.constant(
        Tensor(shape: [16, 24], (0..<384).map { Int8(truncatingIfNeeded: $0 * 31 % 255 - 127) }))
      let steps = try b.constant(Tensor((0..<16).map { Float($0 % 4 + 2) / 2000 }))
      let none = try b.constant(Tensor([Int8](repeating: 0, count: 16)))
      let bias = try b.constant(Tensor((0..<16).map { Int32($0 * 100 - 700) }))
      let y =
        try b.apply(
          QGemm(transB: true), inputs: [x[0], n.s, n.zero, w, steps, none, bias, n.s, n.zero])
        as ValueID
      let square = try b.constant(
        Tensor(shape: [16, 16], (0..<256).map { Int8(truncatingIfNeeded: $0 * 31 % 255 - 127) }))
      return [
        try b.apply(
          QLinearMatMul(), inputs: [y, n.s, n.zero, square, steps, none, n.s, n.zero])
      ]
    }
    #expect(made.after == ["QuantizedLinear", "QuantizedLinear"], "\(made.after)")
    #expect(made.error <= 2 / 255, "\(made.error)")
  }

  @Test func partsPadsAndMeansStayInBytes() throws {
    let made = try check { n, x in
      let b = n.b
      let c = try n.conv(x, 8, 16)
      let front = try n.between(
        Slice(), [c],
        [
          b.constant(Tensor([0] as [Int64])), b.constant(Tensor([6] as [Int64])),
          b.constant(Tensor([1] as [Int64])),
        ])
      let back = try n.between(
        Slice(), [c],
        [
          b.constant(Tensor([-8] as [Int64])), b.constant(Tensor([99] as [Int64])),
          b.constant(Tensor([1] as [Int64])),
        ])
      let wide = try n.between(
        Pad(), [front], [b.constant(Tensor([0, 0, 1, 2, 0, 0, 0, 1] as [Int64]))])
      let d = try n.conv(wide, 6, 8)
      let (e, f) = (try n.conv(back, 8, 8), try n.between(MaxPool(Window(kernel: [7, 9])), [d]))
      let joined = try n.between(
        Concat(axis: 1),
        [f, n.between(GlobalAveragePool(), [e])])
      return try n.between(
        ReduceMean(ReduceAxes(keepDims: false)), [joined], [b.constant(Tensor([2, 3] as [Int64]))])
    }
    #expect(!made.after.contains { $0.hasSuffix("quantizeLinear") }, "\(made.after)")
    #expect(made.after.count { $0 == "ToBytes" || $0 == "FromBytes" } == 2, "\(made.after)")
    #expect(made.error <= 2 / 255, "\(made.error)")
  }

  @Test func recurrentWeightsBecomeNumbersOnce() throws {
    let x = try Tensor(shape: [3, 1, 4], (0..<12).map { Float($0 * 7 % 12) / 4 - 1 })
    let made = try PassCheck([x], opset: 21, lastStage: .layout) { b, x in
      let lstm = try LSTM(
        reading: AttributeReader(
          "LSTM", opset: 21,
          attributes: [.int("hidden_size", 2), .string("direction", "bidirectional")],
          inputCount: 12, outputCount: 3))
      let w = try b.constant(
        Tensor(shape: [2, 4, 8], (0..<64).map { Int8($0 * 29 % 100 - 50) }))
      let r = try b.constant(
        Tensor(shape: [2, 2, 8], (0..<32).map { Int8($0 * 37 % 100 - 50) }))
      let s = try b.constant(Tensor([0.01, 0.02] as [Float]))
      let z = try b.constant(Tensor([3, -2] as [Int8]))
      return try b.apply(
        DynamicQuantizeLSTM(lstm), inputs: [x[0], w, r, nil, nil, nil, nil, nil, s, z, s, z],
        outputs: 3
      ).array
    }
    #expect(
      made.after.contains("LSTM") && !made.after.contains("DynamicQuantizeLSTM"), "\(made.after)")
    #expect(made.error <= 1e-5, "\(made.error)")
  }
}
