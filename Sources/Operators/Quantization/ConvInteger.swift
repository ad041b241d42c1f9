import Graphs
import Kernels
import Tensors

/// Convolution of 8-bit integers less their zero points, over one to three spatial axes, in groups.
///
/// - `x`: int8 or uint8 `[N, C, D1, ...]`; `w`: int8 or uint8 `[M, C / group, k1, ...]`;
///   `x_zero_point` (optional): x's type, one element; `w_zero_point` (optional): w's type, one
///   element or `[M]`. `y`: int32.
/// - Attributes: those of `Window`; `group` (default 1) divides C and M.
/// - Errors: as Conv; `.shape` for zero points that do not fit.
/// - Edges: outside of x stands its zero point. Sums wrap modulo 2^32.
/// - Source: ONNX ConvInteger 10.
public struct ConvInteger: Operator {
  public let window: Window
  public let group: Int

  public static let schema = Schema(
    "ConvInteger", versions: [10],
    inputs: [
      Parameter("x", MatMulInteger.types, "T1"), Parameter("w", MatMulInteger.types, "T2"),
      .optional("x_zero_point", MatMulInteger.types, "T1"),
      .optional("w_zero_point", MatMulInteger.types, "T2"),
    ],
    outputs: [Parameter("y", DTypes(.int32), "T3")],
    attributes: Window.specs + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1")
    ],
    cases: {
      let x = try Tensor(shape: [2, 2, 3, 4], (0..<48).map { UInt8($0 * 7 % 48) })
      let w = try Tensor(shape: [4, 1, 2, 2], (0..<16).map { Int8($0 * 5 % 16 - 7) })
      let full = try Tensor(shape: [3, 2, 2, 2], (0..<24).map { Int8($0 * 5 % 24 - 11) })
      return [
        .init(ConvInteger(), [x, full]),
        .init(
          ConvInteger(window: Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 2])),
          [x, full, try Tensor(scalar: 9 as UInt8), try Tensor([1, 2, 3] as [Int8])]),
        .init(
          ConvInteger(window: Window(autoPad: .sameUpper), group: 2),
          [x, w, try Tensor(scalar: 9 as UInt8), try Tensor(scalar: 2 as Int8)]),
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
    [Fact(.int32, try IntegerConvolution.dims(c, window, group, 0, 1))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    Conv(window: window, group: group).multiplyAdds(inputs: inputs, outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if try p.output(0).count == 0 { return Prepared { (_) throws(EngineError) in } }
    let conv = try IntegerConvolution(p, window: window, group: group, x: (0, 2), w: (1, 3))
    return Prepared(scratchBytes: conv.scratchBytes, label: "conv int8") { m in
      let y = m.output(0, Int32.self)
      conv.run(m, scratch: m.scratch) { (_, place, sums, n) in
        (y + place).update(from: sums, count: n)
      }
    }
  }
}
