import Graphs
import Kernels
import Tensors

/// Convolution of an image of bytes whose scale comes with each run, plus another, as numbers in
/// blocks of channels: `Y = activation(Conv((X - X_zero) X_scale, (W - w_zero) S) + B + Z)`.
///
/// - `X`: uint8 `[N, H, W, C in fours]`; `X_scale`: float32, one; `X_zero`: uint8, one; `W`: int8
///   `[M, C / group, kh, kw]`; `S`: float32, `[1]` or `[M]`; `B` (optional): float32 `[M]`; `Z`
///   (optional): float32, the result's shape.
/// - Attributes: those of Conv over two spatial axes; `activation` and `activation_params`: see
///   `FusedActivation`; `block`: 8 or 16, default 16; `w_zero`: what is taken off each of W, default
///   0, and 0 where there are groups.
/// - Output: float32 `[N, ceil(M / block), OH, OW, block]`; lanes beyond the last channel are 0 where
///   the function keeps 0.
/// - Errors: as Conv; `.shape` for scales, a bias or a residual that do not fit; `.attribute` for a
///   `w_zero` where there are groups.
/// - Accuracy: sums are exact in 32 bits; then one product in float32 and sums. The same for any number of
///   threads and every instruction set.
/// - Cost: constant weights are packed once; others on every run. Functions but Relu and Clip take
///   a pass of their own.
/// - Source: domain ai.dlrun 1; ONNX ConvInteger, Cast, Mul, Add.
public struct DynamicByteConv: Operator {
  public let conv: Conv
  public let activation: FusedActivation
  public let block: Int
  public let weightZero: Int

  public static let schema = Schema(
    "DynamicByteConv", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", ByteLayout.types), Parameter("X_scale", DTypes(.float32), ""),
      Parameter("X_zero", ByteLayout.types), Parameter("W", DTypes(.int8), ""),
      Parameter("S", DTypes(.float32), ""), .optional("B", DTypes(.float32), ""),
      .optional("Z", DTypes(.float32), ""),
    ],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: FusedConv.schema.attributes + [
      BlockedLayout.spec,
      AttributeSpec("w_zero", .int, "what is taken off each of W; default 0"),
    ],
    cases: {
      let x = try ByteLayout.example()
      let scale = try Tensor(scalar: 0.1 as Float)
      let zero = try Tensor(scalar: 117 as UInt8)
      let w = try Tensor(shape: [9, 6, 3, 3], (0..<486).map { Int8(truncatingIfNeeded: $0 * 37) })
      let pair = try Tensor(shape: [4, 3, 1, 1], (0..<12).map { Int8($0 * 9 - 50) })
      let s = try Tensor((0..<9).map { Float($0 + 3) / 1024 })
      let one = try Tensor([0.01] as [Float])
      let bias = try Tensor((0..<9).map { Float($0) * 0.37 - 1 })
      let z = try Eager().apply(ToBlocked(block: 16), try BlockedLayout.example(channels: 9))
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      return [
        .init(
          DynamicByteConv(Conv(window: same), try FusedActivation("Relu"), weightZero: -17),
          [x, scale, zero, w, s, bias, z]),
        .init(
          DynamicByteConv(
            Conv(window: Window(strides: [2, 1])), try FusedActivation("Swish"), block: 8),
          [x, scale, zero, w, one]),
        .init(DynamicByteConv(Conv(group: 2)), [x, scale, zero, pair, one]),
      ]
    })

  public init(
    _ conv: Conv, _ activation: FusedActivation = .init(), block: Int = 16, weightZero: Int = 0
  ) {
    (self.conv, self.activation, self.block) = (conv, activation, block)
    self.weightZero = weightZero
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try Conv(reading: a)
    activation = try FusedActivation(listIn: a)
    block = try BlockedLayout(reading: a).block
    weightZero = try a.int("w_zero", default: 0)
    guard (-256...256).contains(weightZero), weightZero == 0 || conv.group == 1 else {
      throw EngineError(
        .attribute, "attribute 'w_zero' is out of range",
        expected: conv.group == 1 ? "-256 to 256" : "0 where there are groups",
        received: "\(weightZero)")
    }
  }
  public var attributes: [Attribute] {
    conv.attributes + activation.listAttributes + [layout.attribute]
      + (weightZero == 0 ? [] : [.int("w_zero", weightZero)])
  }
  private var layout: BlockedLayout { .init(block: block) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let w = c.dims(3)
    if let w, w.count != 4 {
      throw EngineError(
        .shape, "input W is no kernel over two axes", expected: "[M, C / group, kh, kw]",
        received: "\(w)")
    }
    for (i, name) in [(1, "X_scale"), (2, "X_zero")] {
      if let n = c.dims(i)?.product.known, n != 1 {
        throw EngineError(.shape, "input \(name) is not one element", received: "\(n)")
      }
    }
    if let n = c.dims(4)?.product.known, let m = w?[0].known, n != 1, n != m {
      throw EngineError(
        .shape, "input S has no scale for each output", expected: "[1] or [\(m)]",
        received: "\(n)")
    }
    let channels = w.map { $0[1] * Dim(conv.group) }
    let plain = try ByteLayout.plain(c.dims(0), channels: channels, "X")
    let bias = c.dims(5).map { Fact(.float32, $0) }
    let inner = Inference(inputs: [Fact(.float32, plain), Fact(.float32, w), bias])
    guard let y = try conv.infer(inner).first?.dims, y.count == 4 else {
      return [
        Fact(.float32, [c.unknown(), c.unknown(), c.unknown(), c.unknown(), Dim(block)])
      ]
    }
    let made = layout.blocked(y)
    if let z = c.dims(6) {
      let fits =
        z.count == 5
        && zip(z, made).allSatisfy { $0.known == nil || $1.known == nil || $0.known == $1.known }
      guard fits else {
        throw EngineError(
          .shape, "input Z has another shape than the result", expected: "\(made)",
          received: "\(z)")
      }
    }
    return [Fact(.float32, made)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard inputs.count > 3, let w = inputs[3], let y = outputs[0], y.count == 5 else { return nil }
    return y[0] * y[2] * y[3] * w.product
  }
}
