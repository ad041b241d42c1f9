import Graphs
import Kernels
import Tensors

/// Convolution of quantised numbers, quantised: `y = saturate(round((sums + B) x_scale w_scale /
/// y_scale) + y_zero_point)` with the sums of ConvInteger.
///
/// - `x`: int8 or uint8 `[N, C, D1, ...]`, one to three spatial axes; `w`: int8 or uint8
///   `[M, C / group, k1, ...]`; scales float32, zero points of their tensor's type. Those of x and
///   y: one element; those of w: one, or `[M]`. `B` (optional): int32 `[M]`.
/// - Result: the type of `y_zero_point`.
/// - Attributes: those of `Window`; `group` (default 1) divides C and M.
/// - Errors: as Conv; `.shape` for scales and zero points that do not fit.
/// - Edges: as ConvInteger. Rounds to nearest, ties to even.
/// - Source: ONNX QLinearConv 10.
public struct QLinearConv: Operator {
  public let window: Window
  public let group: Int

  public static let schema = Schema(
    "QLinearConv", versions: [10],
    inputs: [
      Parameter("x", MatMulInteger.types, "T1"), Parameter("x_scale", DTypes(.float32), ""),
      Parameter("x_zero_point", MatMulInteger.types, "T1"),
      Parameter("w", MatMulInteger.types, "T2"), Parameter("w_scale", DTypes(.float32), ""),
      Parameter("w_zero_point", MatMulInteger.types, "T2"),
      Parameter("y_scale", DTypes(.float32), ""),
      Parameter("y_zero_point", MatMulInteger.types, "T3"), .optional("B", DTypes(.int32), "T4"),
    ],
    outputs: [Parameter("y", MatMulInteger.types, "T3")],
    attributes: Window.specs + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1")
    ],
    cases: {
      let x = try Tensor(shape: [2, 2, 3, 4], (0..<48).map { UInt8($0 * 7 % 48) })
      let w = try Tensor(shape: [4, 1, 2, 2], (0..<16).map { Int8($0 * 5 % 16 - 7) })
      let s = try Tensor(scalar: 0.5 as Float)
      let zero = try Tensor(scalar: 9 as UInt8)
      let two = try Tensor(scalar: 2 as Int8)
      return [
        .init(
          QLinearConv(window: Window(autoPad: .sameLower), group: 2),
          [x, s, zero, w, s, two, try Tensor(scalar: 1.5 as Float), two]),
        .init(
          QLinearConv(group: 2),
          [
            x, s, zero, w, try Tensor([0.5, 0.25, 1, 2] as [Float]),
            try Tensor([1, 2, 3, 0] as [Int8]), try Tensor(scalar: 3 as Float), zero,
            try Tensor([10, -20, 30, 5] as [Int32]),
          ]),
      ]
    })

  public init(window: Window = Window(), group: Int = 1) {
    self.window = window
    self.group = group
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
    group = try Conv.group(a)
  }
  public var attributes: [Attribute] { window.attributes + [.int("group", group)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(7), try IntegerConvolution.dims(c, window, group, 0, 3, bias: 8))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard inputs.count > 3 else { return nil }
    return Conv(window: window, group: group).multiplyAdds(
      inputs: [inputs[0], inputs[3]], outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let conv = try IntegerConvolution(p, window: window, group: group, x: (0, 2), w: (3, 5))
    let scales = try p.input(4).count
    try IntegerConvolution.check(scales, conv.channels, "scales")
    for i in [1, 6, 7] {
      guard try p.input(i).count == 1 else {
        throw EngineError(
          .shape, "input \(i) is not one element", received: "\(try p.input(i).shape)")
      }
    }
    guard let output = Requantizer(y.dtype) else { throw p.noKernel() }
    let step = scales == 1 ? 0 : 1
    let factorBytes = (scales * 4 + 63) / 64 * 64
    let hasBias = p.has(8)
    return Prepared(scratchBytes: factorBytes + conv.scratchBytes, label: "conv int8") { m in
      let factors = m.scratch.assumingMemoryBound(to: Float.self)
      let (xs, ys) = (m.input(1, Float.self)[0], m.input(6, Float.self)[0])
      for i in 0..<scales { factors[i] = xs * m.input(4, Float.self)[i] / ys }
      let zero = output.zero(m.inputs[7])
      let bias = m.input(8, Int32.self)
      conv.run(m, scratch: m.scratch + factorBytes) { (channel, place, sums, n) in
        output.run(
          sums, n, bias: hasBias ? bias[channel] : 0, factors + channel * step, step: 0,
          zero: zero, m.outputs[0], at: place)
      }
    }
  }
}
