import Graphs
import Kernels
import Tensors

/// The matrix product of 8-bit integers less their zero points as real numbers:
/// `Y = (A - a_zero) (B - b_zero) a_scale b_scale + bias`.
///
/// - `A`, `B`: int8 or uint8, shapes as MatMul takes them. `a_scale`, `b_scale`: float32 or
///   float16; of a: one element, `[M]` or `[..., M, 1]`, of b: one, `[N]` or `[..., 1, N]`. Zero
///   points (optional, 0): their factor's type, likewise. `bias` (optional): the scales' type,
///   `[N]`.
/// - `Y`: the scales' type.
/// - Errors: `.shape` for factors, scales, zero points and biases that do not fit.
/// - Edges: sums wrap modulo 2^32.
/// - Accuracy: exact sums, then one product and one addition in float32.
/// - Cost: a constant B is widened and packed once.
/// - Source: com.microsoft MatMulIntegerToFloat 1. ONNX Runtime takes one scale of A.
public struct MatMulIntegerToFloat: Operator {
  static let real = DTypes(.float32, .float16)

  public static let schema = Schema(
    "MatMulIntegerToFloat", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("A", MatMulInteger.types, "T1"), Parameter("B", MatMulInteger.types, "T2"),
      Parameter("a_scale", real, "T3"), Parameter("b_scale", real, "T3"),
      .optional("a_zero_point", MatMulInteger.types, "T1"),
      .optional("b_zero_point", MatMulInteger.types, "T2"), .optional("bias", real, "T3"),
    ],
    outputs: [Parameter("Y", real, "T3")],
    cases: {
      let a = try Tensor(shape: [2, 3], [11, 7, 3, 10, 6, 2] as [UInt8])
      let b = try Tensor(shape: [2, 3, 2], (0..<12).map { Int8($0 * 7 % 12 - 5) })
      let (s, t) = (try Tensor(scalar: 0.5 as Float), try Tensor([0.25, 2] as [Float]))
      return [
        .init(MatMulIntegerToFloat(), [a, b, s, s]),
        .init(
          MatMulIntegerToFloat(),
          [
            a, b, s, t, try Tensor(scalar: 4 as UInt8), try Tensor([1, -2] as [Int8]),
            try Tensor([10, -20] as [Float]),
          ]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(2), c.dtype(3))
    let dims = try MatMulInteger.dims(c, 0, 1)
    if let bias = c.dims(6), let n = dims?.last?.known, c.rank(1) != 1 {
      guard bias.count == 1, bias[0].known == nil || bias[0].known == n else {
        throw EngineError(
          .shape, "the bias does not fit B", expected: "[\(n)]", received: "\(bias)")
      }
    }
    return [Fact(c.dtype(2) ?? c.dtype(3), dims)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    MatMul().multiplyAdds(inputs: inputs, outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    // A is quantised as a whole or by rows, B by columns; scales in half go the long way.
    if let half = try widened(p) { return half }
    let y = try p.output(0)
    let inputs = ByteLinear.Inputs(
      a: 0, aScale: 2, aZero: p.has(4) ? 4 : nil, b: 1, bScale: 3, bZero: p.has(5) ? 5 : nil,
      bias: p.has(6) ? 6 : nil)
    if y.dtype == .float32, let linear = try ByteLinear.matMul(p, inputs) {
      return linear.prepared()
    }
    let product = try IntegerProduct(p, a: (0, 4), b: (1, 5))
    let places = try product.places(a: p.input(2).shape, b: p.input(3).shape)
    guard y.dtype == .float32, try p.input(2).dtype == .float32, try p.input(3).dtype == .float32
    else { throw p.noKernel() }
    let (n, rows) = (product.columns, product.rows)
    let hasBias = p.has(6)
    if hasBias, try p.input(6).count != n {
      throw EngineError(
        .shape, "the bias does not fit B", expected: "[\(n)]", received: "\(try p.input(6).shape)")
    }
    let pieces = max(1, min(p.options.threads, rows))
    let factorCount = places.step == 0 ? 1 : n
    let factorBytes = (pieces * factorCount * 4 + 63) / 64 * 64
    let sumBytes = (y.count * 4 + 63) / 64 * 64
    return Prepared(
      scratchBytes: sumBytes + factorBytes + product.scratchBytes, label: product.label + " int8"
    ) { m in
      let sums = m.scratch
      let factors = (m.scratch + sumBytes).assumingMemoryBound(to: Float.self)
      product.run(m, sums, scratch: m.scratch + sumBytes + factorBytes)
      let (aScale, bScale) = (m.input(2, Float.self), m.input(3, Float.self))
      let bias: UnsafePointer<Float>? = hasBias ? m.input(6, Float.self) : nil
      m.pool.run(pieces) { piece in
        let factor = factors + piece * factorCount
        for r in rows * piece / pieces..<rows * (piece + 1) / pieces {
          let s = aScale[places.a[r]]
          for j in 0..<factorCount { factor[j] = s * bScale[places.b[r] + j] }
          ProductScaling.run(
            sums.assumingMemoryBound(to: Int32.self) + r * n, n, factor, step: places.step,
            bias: bias, m.output(0, Float.self) + r * n)
        }
      }
    }
  }
}
