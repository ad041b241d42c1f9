import Graphs
import Kernels
import Tensors

/// A product of 8-bit codes with a matrix of 8-bit codes, as the numbers they stand for, with all
/// that follows it: `Y = f(R(A B) + bias) + residual`, R rounding to codes and back.
///
/// - `A`: uint8 or int8 `[..., K]`; `A_scale`: float32, one; `A_zero`: A's type, one. `B`: uint8 or
///   int8 `[K, N]`, or `[N, K]` with `transB`; `B_scale`: float32, one or `[N]`; `B_zero`
///   (optional, 0): B's type, as many. `bias` (optional): float32 `[N]`. `residual` (optional): Y's
///   shape, float32, or codes with `residual_scale` (default 1) and `residual_zero` (default 0, of
///   residual's type), which play no part for float32. `R_scale`, `R_zero`
///   (optional): the product is rounded to `saturate(round(x / R_scale) + R_zero)`. `Y_scale`,
///   `Y_zero` (optional): so is the result.
/// - Attributes: `transB`, default 0; those of `FusedActivation`: the function f, default none.
/// - Output: `Y` `[..., N]`: float32, or codes of `Y_zero`'s type.
/// - Errors: `.shape` for sizes that do not fit; `.arity` for scales of codes without zero points.
/// - Accuracy: exact sums; then float32. Codes within one of those of the expansion, which adds up
///   in float32. The same for any number of threads.
/// - Cost: a constant B is packed once; everything is applied to a tile in cache.
/// - Source: domain ai.dlrun 1; DequantizeLinear, MatMul, QuantizeLinear, Add and the function of
///   ONNX.
public struct QuantizedLinear: KernelComposite {
  public let transB: Bool
  public let activation: FusedActivation

  static let scale = DTypes(.float32)

  public static let schema = Schema(
    "QuantizedLinear", domain: Fused.domain, versions: [1],
    inputs: [
      Parameter("A", MatMulInteger.types, "T1"), Parameter("A_scale", scale),
      Parameter("A_zero", MatMulInteger.types, "T1"), Parameter("B", MatMulInteger.types, "T2"),
      Parameter("B_scale", scale), .optional("B_zero", MatMulInteger.types, "T2"),
      .optional("bias", scale), .optional("residual", [MatMulInteger.types, scale], "T3"),
      .optional("residual_scale", scale),
      .optional("residual_zero", [MatMulInteger.types, scale], "T3"),
      .optional("R_scale", scale), .optional("R_zero", MatMulInteger.types, "T4"),
      .optional("Y_scale", scale), .optional("Y_zero", MatMulInteger.types, "T5"),
    ],
    outputs: [Parameter("Y", [MatMulInteger.types, scale], "T6")],
    attributes: [AttributeSpec("transB", .int, "1: B is transposed; default 0")]
      + FusedActivation.namedSpecs,
    cases: {
      let a = try Tensor(shape: [2, 2, 3], (0..<12).map { UInt8($0 * 37 % 200) })
      let b = try Tensor(shape: [3, 2], [1, 40, -25, 57, 31, -60] as [Int8])
      let turned = try Tensor(shape: [2, 3], [1, 225, 31, 40, 57, 196] as [UInt8])
      let (s, z) = (try Tensor(scalar: 0.011 as Float), try Tensor(scalar: 77 as UInt8))
      let t = try Tensor([0.013, 0.027] as [Float])
      let bias = try Tensor([0.41, -0.33] as [Float])
      let y = try Tensor(shape: [2, 2, 2], (0..<8).map { Float(($0 * 3) % 8) * 0.53 - 2 })
      let codes = try Tensor(shape: [2, 2, 2], (0..<8).map { Int8($0 * 31 % 90 - 40) })
      let (r, minus) = (try Tensor(scalar: 0.037 as Float), try Tensor(scalar: -5 as Int8))
      return [
        .init(QuantizedLinear(), [a, s, z, b, t]),
        .init(
          QuantizedLinear(try FusedActivation("Gelu")),
          [a, s, z, b, t, nil, bias, y, nil, nil, r, z]),
        .init(
          QuantizedLinear(transB: true),
          [
            a, s, z, turned, t, try Tensor([128, 127] as [UInt8]), bias, codes, r, minus, nil, nil,
            r, minus,
          ]),
        .init(
          QuantizedLinear(), [a, s, z, b, s, nil, nil, nil, nil, nil, nil, nil, r, z]),
      ]
    })

  public init(_ activation: FusedActivation = FusedActivation(), transB: Bool = false) {
    self.activation = activation
    self.transB = transB
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    transB = try a.bool("transB", default: false)
    activation = try FusedActivation(namesIn: a)
  }
  public var attributes: [Attribute] {
    (transB ? [.bool("transB", true)] : []) + activation.namedAttributes
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (scale, zero) in [(10, 11), (12, 13)] where c.has(scale) != c.has(zero) {
      throw EngineError(
        .arity, "scale and zero point of codes go together",
        expected: "inputs \(scale) and \(zero), or none", received: "one of them")
    }
    let real: [Fact?] = [
      Fact(.float32, c.dims(0)), Fact(.float32, c.dims(3)),
      c.has(6) ? Fact(.float32, c.dims(6)) : nil, c.has(7) ? Fact(.float32, c.dims(7)) : nil,
    ]
    let dims = try FusedLinear(activation, transB: transB).infer(Inference(inputs: real))[0].dims
    if c.has(5), let s = c.dims(4)?.product.known, let z = c.dims(5)?.product.known, s != z {
      throw EngineError(
        .shape, "B has not as many zero points as scales", expected: "\(s)", received: "\(z)")
    }
    if let n = dims?.last?.known {
      for i in [4, 5] {
        guard let own = c.dims(i)?.product.known, own != 1, own != n else { continue }
        throw EngineError(
          .shape, "scales or zero points do not fit B", expected: "1 or \(n)", received: "\(own)")
      }
    }
    return [Fact(c.has(13) ? c.dtype(13) : .float32, dims)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let k = inputs[0]?.last, let y = outputs[0] else { return nil }
    return y.product * k
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func at(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let codes = at(0), let weights = at(3), let scale = at(4) else {
      throw EngineError(.arity, "an input is missing")
    }
    let perColumn = b.fact(of: scale).dims?.product.known != 1
    let axis = perColumn ? (transB ? 0 : 1) : 1
    let a = try b.apply(DequantizeLinear(), inputs: [codes, at(1), at(2)])
    var w = try b.apply(
      DequantizeLinear(scales: .init(axis: axis)), inputs: [weights, scale, at(5)])
    if transB { w = try b.apply(Transpose(perm: [1, 0]), w) }
    var y = try b.apply(MatMul(), a, w)
    if let rounding = at(10) {
      let code = try b.apply(QuantizeLinear(), inputs: [y, rounding, at(11)])
      y = try b.apply(DequantizeLinear(), inputs: [code, rounding, at(11)])
    }
    if let bias = at(6) { y = try b.apply(Add(), y, bias) }
    y = try activation.expand(b, y)
    if var residual = at(7) {
      if b.fact(of: residual).dtype != .float32 {
        var own = at(8)
        if own == nil { own = try b.constant(Tensor(scalar: 1 as Float)) }
        residual = try b.apply(DequantizeLinear(), inputs: [residual, own, at(9)])
      }
      y = try b.apply(Add(), y, residual)
    }
    if let own = at(12) { y = try b.apply(QuantizeLinear(), inputs: [y, own, at(13)]) }
    return Few(y)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, y) = (try p.input(0), try p.output(0))
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let n = y.shape[y.shape.rank - 1]
    let k = a.shape[a.shape.rank - 1]
    func at(_ i: Int) -> Int? { p.has(i) ? i : nil }
    var function: UnaryKernel?
    if !activation.name.isEmpty {
      guard let unary = activation.kernel(.float32) else { throw p.noKernel() }
      function = unary
    }
    let inputs = ByteLinear.Inputs(
      a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: at(5), bias: at(6), residual: at(7),
      residualScale: at(8), residualZero: at(9), roundScale: at(10), roundZero: at(11),
      yScale: at(12), yZero: at(13))
    guard
      let linear = try ByteLinear(
        p, inputs, m: y.count / n, n: n, k: k, transB: transB, function: function)
    else {
      throw EngineError(
        .shape, "scales, zero points or the bias do not fit", expected: "one, or \(n) for B",
        received: p.inputs.map { $0.map { "\($0.shape)" } ?? "none" }.joined(separator: ", "))
    }
    let label = activation.name.isEmpty ? linear.label : "\(linear.label) \(activation.name)"
    return Prepared(scratchBytes: linear.scratchBytes, label: p.has(7) ? label + " add" : label) {
      (m) throws(EngineError) in linear.run(m)
    }
  }
}
