import Compiler
import Graphs
import Kernels
import Operators
import Runtime
import Tensors
import Testing

/// Convolutions as dynamic quantisation writes them, before and after.
@Suite struct DynamicImagesTests {
  /// Builds DynamicQuantizeLinear, ConvInteger, Cast and Mul as onnxruntime's quantize_dynamic does.
  private struct Net {
    let b: GraphBuilder

    func codes(_ x: ValueID) throws -> [ValueID] {
      try b.apply(DynamicQuantizeLinear(), inputs: [x], outputs: 3).array
    }

    /// A convolution from so many channels to others; `zero`: of uint8 weights, nil for int8 ones.
    func conv(
      _ codes: [ValueID], _ from: Int, _ to: Int, _ k: Int, zero: Int? = nil, stride: Int = 1,
      group: Int = 1, hasBias: Bool = true
    ) throws -> ValueID {
      let shape: Shape = [to, from / group, k, k]
      let values = (0..<shape.count).map { ($0 + to + k) * 7919 % 255 }
      let weights =
        zero == nil
        ? try Tensor(shape: shape, values.map { Int8($0 - 127) })
        : try Tensor(shape: shape, values.map { UInt8($0) })
      let point = try zero.map { try Tensor(scalar: UInt8($0)) } ?? Tensor(scalar: 0 as Int8)
      let p = k / 2
      let window = Window(strides: [stride, stride], padsBegin: [p, p], padsEnd: [p, p])
      let sums = try b.apply(
        ConvInteger(window: window, group: group),
        inputs: [codes[0], b.constant(weights), codes[2], b.constant(point)])
      let scale = try b.constant(Tensor([0.002] as [Float]))
      let numbers = try b.apply(Cast(to: .float32), sums)
      let scaled = try b.apply(Mul(), numbers, b.apply(Mul(), codes[1], scale))
      if !hasBias { return scaled }
      let bias = try Tensor(shape: [1, to, 1, 1], (0..<to).map { Float($0 % 5) / 4 - 0.5 })
      return try b.apply(Add(), scaled, b.constant(bias))
    }
  }

  private func check(
    _ shape: Shape, _ build: @escaping (Net, ValueID) throws -> ValueID
  ) throws -> PassCheck {
    try PassCheck([ramp(shape, scale: 3)], opset: 21, lastStage: .layout) { b, x in
      [try build(Net(b: b), x[0])]
    }
  }

  /// Float32 sums of a residual may fall on the other side of a tie: one step of a later scale.
  private let step = 1.0 / 127

  @Test(arguments: [nil, 121, 128])
  func aResidualBlockRunsInBytes(_ zero: Int?) throws {
    let made = try check([2, 3, 12, 10]) { n, x in
      let first = try n.b.apply(Relu(), n.conv(n.codes(x), 3, 32, 3, zero: zero, stride: 2))
      let codes = try n.codes(first)
      let inner = try n.b.apply(Relu(), n.conv(codes, 32, 24, 3, zero: zero))
      let outer = try n.conv(n.codes(inner), 24, 32, 1, zero: zero, hasBias: false)
      let beside = try n.conv(codes, 32, 32, 1, zero: zero)
      return try n.b.apply(Relu(), n.b.apply(Add(), outer, beside))
    }
    #expect(made.error == 0)
    #expect(made.after.filter { $0 == "DynamicByteConv" }.count == 4)
    // The image of two convolutions is quantised once.
    #expect(made.after.filter { $0 == "DynamicToBytes" }.count == 3)
    #expect(made.after.filter { $0 == "FromBlocked" }.count == 1)
    for gone in ["ConvInteger", "ToBlocked", "Add", "Relu", "Cast", "Mul"] {
      #expect(!made.after.contains(gone))
    }
  }

  /// Without their zero points the weights fit int8, or they do not.
  @Test(arguments: [nil, 99])
  func channelsOfTheirOwnStayInBlocks(_ zero: Int?) throws {
    let made = try check([1, 16, 9, 8]) { n, x in
      let wide = try n.b.apply(
        Clip(),
        inputs: [
          n.conv(n.codes(x), 16, 48, 1), n.b.constant(Tensor(scalar: 0 as Float)),
          n.b.constant(Tensor(scalar: 6 as Float)),
        ])
      let deep = try n.b.apply(HardSwish(), n.conv(n.codes(wide), 48, 48, 3, zero: zero, group: 48))
      return try n.conv(n.codes(deep), 48, 24, 1, zero: zero)
    }
    #expect(made.error <= step)
    #expect(made.after.filter { $0 == "DynamicByteConv" }.count == (zero == nil ? 3 : 2))
    #expect(made.after.filter { $0 == "BlockedConv" }.count == (zero == nil ? 0 : 1))
    #expect(made.after.filter { $0 == "FromBlocked" }.count == 1)
  }

  @Test func scalesOfChannelsAndFunctions() throws {
    let made = try check([1, 8, 6, 5]) { n, x in
      let codes = try n.codes(x)
      let w = try Tensor(shape: [16, 8, 1, 1], (0..<128).map { Int8($0 * 37 % 255 - 127) })
      let sums = try n.b.apply(ConvInteger(), inputs: [codes[0], n.b.constant(w), codes[2]])
      let steps = try Tensor(shape: [16, 1, 1], (0..<16).map { Float($0 + 1) / 9000 })
      let y = try n.b.apply(
        Mul(), n.b.apply(Cast(to: .float32), sums), n.b.apply(Mul(), codes[1], n.b.constant(steps)))
      return try n.b.apply(Sigmoid(), y)
    }
    #expect(made.error <= 1e-5)
    #expect(made.after.contains("DynamicByteConv"))
  }

  @Test func whatIsNoImageBecomesNumbers() throws {
    let made = try PassCheck([ramp([1, 4, 9], scale: 3)], opset: 21, lastStage: .layout) { b, x in
      let codes = try b.apply(DynamicQuantizeLinear(), inputs: [x[0]], outputs: 3).array
      let w = try Tensor(shape: [6, 4, 3], (0..<72).map { Int8($0 * 37 % 255 - 127) })
      let sums = try b.apply(ConvInteger(), inputs: [codes[0], b.constant(w), codes[2]])
      let scale = try b.constant(Tensor(scalar: 0.01 as Float))
      return [
        try b.apply(
          Mul(), b.apply(Cast(to: .float32), sums), b.apply(Mul(), codes[1], scale))
      ]
    }
    #expect(made.error <= 1e-5)
    #expect(!made.after.contains("ConvInteger"))
  }
}
