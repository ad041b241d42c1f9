import Graphs
import Kernels
import Tensors

/// Attention over 8-bit codes: `Y = softmax(scale R(Q K^T) + mask)' V`, where R rounds scores to
/// codes and back and the prime rounds probabilities.
///
/// - `Q`: uint8 or int8 `[..., S, E]`; `K`: `[..., T, E]`; `V`: `[..., T, Ev]`; the same leading
///   sizes; each with its scale, float32, and zero point of its type, one of each. `mask`
///   (optional): float32, broadcast to `[..., S, T]` from as many axes, the last of them T.
///   `S_scale`, `S_zero` (optional): those of scores. `P_scale`, `P_zero`: those of probabilities.
///   `Y_scale`, `Y_zero` (optional): those of the result.
/// - `scale`: float, default 1: factor of the scores.
/// - Output: `Y` `[..., S, Ev]`: float32, or codes of `Y_zero`'s type.
/// - Errors: `.shape` for sizes that do not fit; `.arity` for scales of codes without zero points.
/// - Edges: a row of scores with NaN, or all of -inf, has the least code for all probabilities.
/// - Accuracy: exact sums; codes within one of the expansion's, step by step. The same for any
///   number of threads.
/// - Source: domain ai.dlrun 1; DequantizeLinear, MatMul, QuantizeLinear and Softmax of ONNX.
public struct QuantizedAttention: KernelComposite {
  public let scale: Float

  public static let schema = Schema(
    "QuantizedAttention", domain: Fused.domain, versions: [1],
    inputs: [
      Parameter("Q", MatMulInteger.types, "T1"), Parameter("Q_scale", real),
      Parameter("Q_zero", MatMulInteger.types, "T1"), Parameter("K", MatMulInteger.types, "T2"),
      Parameter("K_scale", real), Parameter("K_zero", MatMulInteger.types, "T2"),
      Parameter("V", MatMulInteger.types, "T3"), Parameter("V_scale", real),
      Parameter("V_zero", MatMulInteger.types, "T3"), Parameter("P_scale", real),
      Parameter("P_zero", MatMulInteger.types, "T4"), .optional("mask", real),
      .optional("S_scale", real), .optional("S_zero", MatMulInteger.types, "T5"),
      .optional("Y_scale", real), .optional("Y_zero", MatMulInteger.types, "T6"),
    ],
    outputs: [Parameter("Y", [MatMulInteger.types, real], "T7")],
    attributes: [AttributeSpec("scale", .float, "factor of the scores; default 1")],
    cases: {
      func codes(_ shape: Shape, _ step: Int) throws -> Tensor {
        try Tensor(shape: shape, (0..<shape.count).map { UInt8(($0 * step + 11) % 256) })
      }
      func number(_ x: Float) throws -> Tensor { try Tensor(scalar: x) }
      func zero(_ x: UInt8) throws -> Tensor { try Tensor(scalar: x) }
      let (q, k) = (try codes([2, 3, 5], 37), try codes([2, 4, 5], 53))
      let v = try codes([2, 4, 2], 29)
      let signed = try Tensor(shape: [2, 4, 2], (0..<16).map { Int8($0 * 29 % 256 - 128) })
      let mask = try Tensor(shape: [1, 1, 4], [0, -0.3, 0.4, -2] as [Float])
      let s: [Tensor?] = [try number(0.0137), try zero(121)]
      return [
        .init(
          QuantizedAttention(scale: 0.7),
          [q] + s + [k] + s + [v] + s + [try number(1.0 / 255), try zero(0), nil]
            + [try number(0.017), try zero(120), try number(0.0123), try zero(99)]),
        .init(
          QuantizedAttention(),
          [q] + s + [k] + s
            + [signed, try number(0.02), try Tensor(scalar: -7 as Int8)]
            + [try number(1.0 / 255), try zero(0), mask]),
      ]
    })
  private static let real = DTypes(.float32)

  public init(scale: Float = 1) { self.scale = scale }
  public init(reading a: AttributeReader) throws(EngineError) {
    scale = try a.float("scale", default: 1)
  }
  public var attributes: [Attribute] { scale == 1 ? [] : [.float("scale", scale)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (scale, zero) in [(12, 13), (14, 15)] where c.has(scale) != c.has(zero) {
      throw EngineError(
        .arity, "scale and zero point of codes go together",
        expected: "inputs \(scale) and \(zero), or none", received: "one of them")
    }
    let dtype: DType? = c.has(15) ? c.dtype(15) : .float32
    guard let q = c.dims(0), let k = c.dims(3), let v = c.dims(6) else { return [Fact(dtype, nil)] }
    guard q.count >= 2, k.count == q.count, v.count == q.count else {
      throw EngineError(
        .shape, "operands have other ranks", expected: "one rank of 2 or more for all",
        received: "\(q.count), \(k.count) and \(v.count)")
    }
    func differ(_ a: Dim, _ b: Dim) -> Bool { a.known != nil && b.known != nil && a != b }
    let n = q.count
    let fits =
      (0..<n - 2).allSatisfy { !differ(q[$0], k[$0]) && !differ(q[$0], v[$0]) }
      && !differ(q[n - 1], k[n - 1]) && !differ(k[n - 2], v[n - 2])
    guard fits else {
      throw EngineError(
        .shape, "operands do not fit together",
        expected: "[..., S, E], [..., T, E] and [..., T, Ev]", received: "\(q), \(k) and \(v)")
    }
    return [Fact(dtype, q.dropLast() + [v[n - 1]])]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard inputs.count > 6, let q = inputs[0], let v = inputs[6], v.count > 1, let e = q.last
    else { return nil }
    return q.dropLast().product * v[v.count - 2] * (e + v[v.count - 1])
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func at(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    func numbers(_ i: Int) throws(EngineError) -> B.Value {
      try b.apply(DequantizeLinear(), inputs: [at(i), at(i + 1), at(i + 2)])
    }
    func rounded(_ x: B.Value, _ i: Int) throws(EngineError) -> B.Value {
      let codes = try b.apply(QuantizeLinear(), inputs: [x, at(i), at(i + 1)])
      return try b.apply(DequantizeLinear(), inputs: [codes, at(i), at(i + 1)])
    }
    let (q, k, v) = (try numbers(0), try numbers(3), try numbers(6))
    let rank = try knownRank(b, k)
    let perm = Array(0..<rank - 2) + [rank - 1, rank - 2]
    var s = try b.apply(MatMul(), q, b.apply(Transpose(perm: perm), k))
    if at(12) != nil { s = try rounded(s, 12) }
    if scale != 1 { s = try times(b, s, Double(scale)) }
    if let mask = at(11) { s = try b.apply(Add(), s, mask) }
    let p = try rounded(b.apply(Softmax(), s), 9)
    let y = try b.apply(MatMul(), p, v)
    guard let own = at(14) else { return Few(y) }
    return Few(try b.apply(QuantizeLinear(), inputs: [y, own, at(15)]))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (q, k, v) = (try p.input(0), try p.input(3), try p.input(6))
    let y = try p.output(0)
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    for i in [1, 2, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15] where p.has(i) {
      guard try p.input(i).count == 1 else {
        throw EngineError(
          .shape, "a scale or zero point is not one", expected: "one element",
          received: "\(try p.input(i).shape)")
      }
    }
    let n = q.shape.rank
    let (keys, size) = (k.shape[n - 2], k.shape[n - 1])
    func isSigned(_ i: Int) throws(EngineError) -> Bool {
      p.has(i) ? try p.input(i).dtype == .int8 : false
    }
    var signs = ByteAttentionPlan.Signs()
    (signs.q, signs.k, signs.v) = (try isSigned(0), try isSigned(3), try isSigned(6))
    (signs.scores, signs.shares, signs.y) = (try isSigned(13), try isSigned(10), try isSigned(15))
    let heads = q.shape.count(of: 0..<n - 2)
    var mask: (places: [Int], row: Int)?
    if p.has(11) { mask = try places(p.input(11).shape, q.shape, keys) }
    let plan = ByteAttentionPlan(
      heads: heads, queries: q.shape[n - 2], keys: keys, size: size, valueSize: v.shape[n - 1],
      factor: scale, signs: signs, mask: mask, threads: p.options.threads)
    let (hasMask, hasScores, hasCodes) = (p.has(11), p.has(12), p.has(14))
    let own = signs
    return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in
      func at(_ i: Int, _ isSigned: Bool) -> ByteScale {
        ByteScale(m.inputs[i], zero: UnsafeRawPointer(m.inputs[i + 1]), isSigned: isSigned)
      }
      var values = ByteAttentionPlan.Values()
      (values.q, values.k, values.v) = (at(1, own.q), at(4, own.k), at(7, own.v))
      values.shares = at(9, own.shares)
      if hasScores { values.scores = at(12, own.scores) }
      if hasCodes { values.y = at(14, own.y) }
      plan.run(
        q: m.inputs[0], k: m.inputs[3], v: m.inputs[6],
        mask: hasMask ? m.input(11, Float.self) : nil, values, y: m.outputs[0],
        scratch: m.scratch, pool: m.pool)
    }
  }

  /// Where each head finds its rows of the mask, and their distance.
  private func places(
    _ mask: Shape, _ q: Shape, _ keys: Int
  ) throws(EngineError) -> (places: [Int], row: Int) {
    let n = q.rank
    let queries = q[n - 2]
    let fits =
      mask.rank == n && mask[n - 1] == keys && (mask[n - 2] == 1 || mask[n - 2] == queries)
      && (0..<n - 2).allSatisfy { mask[$0] == 1 || mask[$0] == q[$0] }
    guard fits else {
      throw EngineError(
        .shape, "the mask does not fit", expected: "as many axes, the last of \(keys)",
        received: "\(mask)")
    }
    let strides = mask.strides
    var bases = [0]
    for axis in 0..<n - 2 {
      let step = mask[axis] == 1 ? 0 : strides[axis]
      bases = bases.flatMap { base in (0..<q[axis]).map { base + $0 * step } }
    }
    return (bases, mask[n - 2] == 1 ? 0 : keys)
  }
}
