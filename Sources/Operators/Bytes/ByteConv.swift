import Graphs
import Kernels
import Tensors

/// Convolution of an image of bytes, plus another, as bytes:
/// `Y = clamp(round((Conv(X, W) + B) / y_scale) + y_zero, low, high)` with the numbers that the
/// bytes stand for. With a residual Z, `Y = clamp(round((V + Z) / y_scale) + y_zero, low, high)`,
/// where V is the convolution's result, rounded to bytes of its own where `own_scale` is given.
///
/// - `X`: uint8 `[N, H, W, C in fours]`; `W`: int8 `[M, C / group, kh, kw]`; `S`: float32, what a
///   step of W stands for, `[1]` or `[M]`; `B` (optional): `[M]`, float32, or int32 in steps of
///   `x_scale S`; `Z` (optional): uint8, the result's shape.
/// - Attributes: those of Conv over two spatial axes; scales and zero points of X, Y, Z and of V
///   (`own_`); bounds of Y and V.
/// - Output: uint8 `[N, OH, OW, M in fours]`.
/// - Errors: as Conv; `.shape` for scales or a residual that do not fit.
/// - Accuracy: sums are exact in 32 bits; one float32 product with `x_scale S / y_scale` rounds.
///   The same for any number of threads and every instruction set.
/// - Cost: constant weights are packed once; others on every run.
/// - Source: domain ai.dlrun 1; ONNX DequantizeLinear, Conv, Add, QuantizeLinear.
public struct ByteConv: Operator {
  public let conv: Conv
  public let x: PixelScale
  public let finish: ByteFinish

  public static let schema = Schema(
    "ByteConv", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", ByteLayout.types), Parameter("W", DTypes(.int8), ""),
      Parameter("S", DTypes(.float32), ""), .optional("B", DTypes(.float32, .int32), "T2"),
      .optional("Z", ByteLayout.types),
    ],
    outputs: [Parameter("Y", ByteLayout.types)],
    attributes: Conv.schema.attributes + ByteLayout.specs("x", of: "X")
      + ByteLayout.specs("y", of: "Y") + ByteLayout.boundSpecs + ByteLayout.specs("z", of: "Z")
      + ByteLayout.specs("own", of: "the sum before Z is added, where it is rounded") + [
        AttributeSpec("own_low", .int, "the least byte of that sum; default 0"),
        AttributeSpec("own_high", .int, "the greatest byte of that sum; default 255"),
      ],
    cases: {
      let x = try ByteLayout.example()
      let z = try ByteLayout.example(channels: 9, seed: 3)
      let w = try Tensor(shape: [9, 6, 3, 3], (0..<486).map { Int8(truncatingIfNeeded: $0 * 37) })
      let deep = try Tensor(shape: [6, 1, 3, 3], (0..<54).map { Int8(($0 * 29) % 127 - 63) })
      let pair = try Tensor(shape: [4, 3, 1, 1], (0..<12).map { Int8($0 * 9 - 50) })
      let s = try Tensor((0..<9).map { Float($0 + 3) / 1024 })
      let one = try Tensor([0.01] as [Float])
      let bias = try Tensor((0..<9).map { Int32($0 * 1000 - 4000) })
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      let (from, to) = (PixelScale(0.1, zero: 117), PixelScale(0.5, zero: 101))
      let residual = ByteFinish.Residual(PixelScale(0.3, zero: 90), own: PixelScale(0.4, zero: 99))
      return [
        .init(ByteConv(Conv(window: same), from, ByteFinish(to)), [x, w, s, bias]),
        .init(
          ByteConv(Conv(window: same), from, ByteFinish(to, low: 101, residual: residual)),
          [x, w, s, bias, z]),
        .init(
          ByteConv(
            Conv(window: same), from, ByteFinish(to, residual: .init(PixelScale(0.3, zero: 90)))),
          [x, w, s, nil, z]),
        .init(
          ByteConv(
            Conv(window: Window(strides: [2, 1], padsBegin: [1, 1], padsEnd: [1, 1]), group: 6),
            from, ByteFinish(to)), [x, deep, one, try Tensor((0..<6).map { Float($0) * 2 - 5 })]),
        .init(ByteConv(Conv(group: 2), from, ByteFinish(to)), [x, pair, one]),
      ]
    })

  public init(_ conv: Conv, _ x: PixelScale, _ finish: ByteFinish) {
    (self.conv, self.x, self.finish) = (conv, x, finish)
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try Conv(reading: a)
    x = try ByteLayout.scale("x", a)
    var residual: ByteFinish.Residual?
    if a.has("z_scale") {
      let own = a.has("own_scale") ? try ByteLayout.scale("own", a) : nil
      let (low, high) = try ByteLayout.bounds(a, "own_")
      residual = .init(try ByteLayout.scale("z", a), own: own, ownLow: low, ownHigh: high)
    }
    let (low, high) = try ByteLayout.bounds(a)
    finish = ByteFinish(try ByteLayout.scale("y", a), low: low, high: high, residual: residual)
  }
  public var attributes: [Attribute] {
    var list = conv.attributes + ByteLayout.attributes("x", x)
    list += ByteLayout.attributes("y", finish.scale)
    list += [.int("low", finish.low), .int("high", finish.high)]
    if let z = finish.residual {
      list += ByteLayout.attributes("z", z.scale)
      if let own = z.own { list += ByteLayout.attributes("own", own) }
      list += [.int("own_low", z.ownLow), .int("own_high", z.ownHigh)]
    }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let w = c.dims(1)
    if let w, w.count != 4 {
      throw EngineError(
        .shape, "input W is no kernel over two axes", expected: "[M, C / group, kh, kw]",
        received: "\(w)")
    }
    let channels = w.map { $0[1] * Dim(conv.group) }
    let plain = try ByteLayout.plain(c.dims(0), channels: channels, "X")
    let inner = Inference(
      inputs: [Fact(.float32, plain), Fact(.float32, w), c.dims(3).map { Fact(.float32, $0) }])
    if let s = c.dims(2), let n = s.first?.known,
      s.count != 1 || n != 1 && w?[0].known != nil && n != w?[0].known
    {
      throw EngineError(
        .shape, "input S has no scale for each output", expected: "[1] or [M]", received: "\(s)")
    }
    if c.has(4) != (finish.residual != nil) {
      throw EngineError(
        .attribute, "a residual and what its bytes stand for come together",
        expected: c.has(4) ? "attribute 'z_scale'" : "input Z", received: "none")
    }
    guard let y = try conv.infer(inner).first?.dims, y.count == 4 else {
      return [Fact(.uint8, [c.unknown(), c.unknown(), c.unknown(), c.unknown()])]
    }
    let made = ByteLayout.bytes(y)
    if let z = c.dims(4) {
      let fits =
        z.count == 4
        && zip(z, made).allSatisfy { $0.known == nil || $1.known == nil || $0.known == $1.known }
      guard fits else {
        throw EngineError(
          .shape, "input Z has another shape than the result", expected: "\(made)",
          received: "\(z)")
      }
    }
    return [Fact(.uint8, made)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[1], let y = outputs[0], y.count == 4 else { return nil }
    return y[0] * y[1] * y[2] * w.product
  }
}
