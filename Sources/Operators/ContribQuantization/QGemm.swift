import Graphs
import Kernels
import Tensors

/// The general product of quantised matrices, quantised or real: `Y = alpha a_scale b_scale
/// ((A - a_zero)' (B - b_zero)' + C)`, a prime meaning an optional transpose, and with `y_scale`
/// and `y_zero_point` `saturate(round(Y / y_scale) + y_zero)`.
///
/// - `A`: int8 or uint8 `[M, K]`, or `[K, M]` with `transA`; `B`: int8 or uint8 `[K, N]`, or `[N,
///   K]` with `transB`. Scales float32, zero points of their matrix's type; those of a and y: one
///   element, those of b: one or `[N]`. `C` (optional): int32, anything that broadcasts to `[M,
///   N]`.
/// - `Y`: float32, or the type of `y_zero_point`.
/// - Errors: as Gemm; `.shape` for scales and zero points that do not fit; `.arity` for only one of
///   `y_scale` and `y_zero_point`.
/// - Edges: sums wrap modulo 2^32. Rounds to nearest, ties to even.
/// - Cost: a constant B is widened and packed once.
/// - Source: com.microsoft QGemm 1.
public struct QGemm: Operator {
  public let alpha: Float
  public let transA: Bool
  public let transB: Bool

  public static let schema = Schema(
    "QGemm", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("A", MatMulInteger.types, "TA"), Parameter("a_scale", DTypes(.float32), "T"),
      Parameter("a_zero_point", MatMulInteger.types, "TA"),
      Parameter("B", MatMulInteger.types, "TB"), Parameter("b_scale", DTypes(.float32), "T"),
      Parameter("b_zero_point", MatMulInteger.types, "TB"), .optional("C", DTypes(.int32), "TC"),
      .optional("y_scale", DTypes(.float32), "T"),
      .optional("y_zero_point", MatMulInteger.types, "TYZ"),
    ],
    outputs: [Parameter("Y", [MatMulInteger.types, DTypes(.float32)], "TY")],
    attributes: [
      AttributeSpec("alpha", .float, "factor of the product; default 1"),
      AttributeSpec("transA", .int, "1: A is transposed; default 0"),
      AttributeSpec("transB", .int, "1: B is transposed; default 0"),
    ],
    cases: {
      let a = try Tensor(shape: [2, 3], [11, 7, 3, 10, 6, 2] as [UInt8])
      let b = try Tensor(shape: [3, 2], [1, 4, -2, 5, 3, 6] as [Int8])
      let (s, t) = (try Tensor(scalar: 0.5 as Float), try Tensor([0.25, 2] as [Float]))
      let (y, z) = (try Tensor(scalar: 4 as UInt8), try Tensor(scalar: 1 as Int8))
      let c = try Tensor([10, -20] as [Int32])
      return [
        .init(QGemm(), [a, s, y, b, s, z]),
        .init(
          QGemm(alpha: 0.5), [a, s, y, b, t, try Tensor([1, -2] as [Int8]), c, s, y]),
        .init(
          QGemm(transA: true, transB: true),
          [
            try a.reshaped([3, 2]), s, y, try b.reshaped([2, 3]), s, z,
            try Tensor(shape: [2, 1], [3, -4] as [Int32]), s, z,
          ]),
      ]
    })

  public init(alpha: Float = 1, transA: Bool = false, transB: Bool = false) {
    self.alpha = alpha
    self.transA = transA
    self.transB = transB
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1)
    transA = try a.bool("transA", default: false)
    transB = try a.bool("transB", default: false)
  }
  public var attributes: [Attribute] {
    [.float("alpha", alpha), .bool("transA", transA), .bool("transB", transB)]
  }

  private var gemm: Gemm { Gemm(transA: transA, transB: transB) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.has(7) == c.has(8) else {
      throw EngineError(
        .arity, "y_scale and y_zero_point go together", expected: "both or none",
        received: c.has(7) ? "y_scale" : "y_zero_point")
    }
    let extra: Fact? = c.has(6) ? Fact(nil, c.dims(6)) : nil
    let facts = try gemm.infer(
      Inference(inputs: [Fact(nil, c.dims(0)), Fact(nil, c.dims(3)), extra]))
    return [Fact(c.has(8) ? c.dtype(8) : .float32, facts.first?.dims)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard inputs.count > 3 else { return nil }
    return gemm.multiplyAdds(inputs: [inputs[0], inputs[3]], outputs: outputs)
  }

  /// The kernel for rows as they lie and an addend that is the same for each.
  private func byBytes(_ p: Preparation) throws(EngineError) -> ByteLinear? {
    let (a, b) = (try p.input(0), try p.input(3))
    guard !transA, a.shape.rank == 2, b.shape.rank == 2 else { return nil }
    if p.has(6) {
      let c = try p.input(6).shape
      guard c.rank < 2 || (c.rank == 2 && c[0] == 1) else { return nil }
    }
    let output = p.has(8) ? try p.input(8).dtype : .float32
    guard try p.output(0).dtype == output else { return nil }
    func at(_ i: Int) -> Int? { p.has(i) ? i : nil }
    return try ByteLinear(
      p,
      .init(
        a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, extra: at(6), yScale: at(7),
        yZero: at(8)),
      m: a.shape[0], n: b.shape[transB ? 0 : 1], k: a.shape[1], transB: transB, alpha: alpha)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    if let linear = try byBytes(p) { return linear.prepared() }
    let factors = try QGemmFactors(p, transA: transA, transB: transB)
    let product = factors.product
    let (n, rows) = (product.columns, product.rows)
    let scaleCount = try p.input(4).count
    for (i, most) in [(1, 1), (2, 1), (4, n), (5, n), (7, 1), (8, 1)] where p.has(i) {
      guard try [1, most].contains(p.input(i).count) else {
        throw EngineError(
          .shape, "input \(i) does not fit", expected: most == 1 ? "one element" : "1 or \(n)",
          received: "\(try p.input(i).shape)")
      }
    }
    let output: Requantizer? = p.has(8) ? Requantizer(y.dtype) : nil
    guard output != nil || y.dtype == .float32 else { throw p.noKernel() }
    let step = scaleCount == 1 ? 0 : 1
    let extra: Shape? = p.has(6) ? try p.input(6).shape : nil
    let extraRank = extra?.rank ?? 0
    let columns = extraRank > 0 ? extra?[extraRank - 1] ?? 1 : 1
    let extraRow = extraRank > 1 && extra?[extraRank - 2] != 1 ? columns : 0
    let (hasExtra, extraStep) = (extra != nil, columns == 1 ? 0 : 1)
    let alpha = alpha
    let factorBytes = (scaleCount * 4 + 63) / 64 * 64
    let sumBytes = (y.count * 4 + 63) / 64 * 64
    let pieces = max(1, min(p.options.threads, rows))
    return Prepared(
      scratchBytes: sumBytes + factorBytes + factors.scratchBytes, label: product.label + " int8"
    ) { m in
      let all = m.scratch.assumingMemoryBound(to: Int32.self)
      let factor = (m.scratch + sumBytes).assumingMemoryBound(to: Float.self)
      factors.run(m, m.scratch, scratch: m.scratch + sumBytes + factorBytes)
      let aScale = m.input(1, Float.self)[0]
      for j in 0..<scaleCount {
        factor[j] = alpha * aScale * m.input(4, Float.self)[j]
        if output != nil { factor[j] /= m.input(7, Float.self)[0] }
      }
      m.pool.run(pieces) { piece in
        for r in rows * piece / pieces..<rows * (piece + 1) / pieces {
          let sums = all + r * n
          if hasExtra {
            ProductScaling.add(
              m.input(6, Int32.self) + r * extraRow, step: extraStep, to: sums, n)
          }
          if let output {
            output.run(
              sums, n, factor, step: step, zero: output.zero(m.inputs[8]), m.outputs[0], at: r * n)
          } else {
            ProductScaling.run(
              sums, n, factor, step: step, bias: nil, m.output(0, Float.self) + r * n)
          }
        }
      }
    }
  }
}
