import Graphs
import Kernels
import Tensors

/// The matrix product of quantised factors, quantised:
/// `y = saturate(round((a - a_zero) (b - b_zero) a_scale b_scale / y_scale) + y_zero)`.
///
/// - `a`, `b`: int8, uint8 or 8-bit floats, shapes as MatMul takes them; each with its zero point
///   of the same type. Scales: float16, bfloat16 or float32, all of one type. Scales and zero points
///   of a: one element, `[M]` or `[..., M, 1]`; of b: one, `[N]` or `[..., 1, N]`; of y: one.
/// - Result: the type of `y_zero_point`.
/// - Errors: `.shape` for factors, scales and zero points that do not fit.
/// - Edges: sums of integers wrap modulo 2^32. Rounds to nearest, ties to even.
/// - Accuracy: `a_scale b_scale / y_scale` in the scales' type, the rest in float32.
/// - Source: ONNX QLinearMatMul 10, 21.
public struct QLinearMatMul: Operator {
  static let types = DTypes(
    .int8, .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz)
  static let scaleTypes = DTypes(.float16, .bfloat16, .float32)

  public static let schema = Schema(
    "QLinearMatMul", versions: [10, 21],
    inputs: [
      Parameter("a", types, "T1"), Parameter("a_scale", scaleTypes, "TS"),
      Parameter("a_zero_point", types, "T1"), Parameter("b", types, "T2"),
      Parameter("b_scale", scaleTypes, "TS"), Parameter("b_zero_point", types, "T2"),
      Parameter("y_scale", scaleTypes, "TS"), Parameter("y_zero_point", types, "T3"),
    ],
    outputs: [Parameter("y", types, "T3")],
    cases: {
      let a = try Tensor(shape: [2, 3], [11, 7, 3, 10, 6, 2] as [UInt8])
      let b = try Tensor(shape: [2, 3, 2], (0..<12).map { Int8($0 * 7 % 12 - 5) })
      let (half, two) = (try Tensor(scalar: 0.5 as Float), try Tensor(scalar: 2 as Float))
      return [
        .init(
          QLinearMatMul(),
          [
            a, half, try Tensor(scalar: 4 as UInt8), b, half, try Tensor(scalar: 1 as Int8), two,
            try Tensor(scalar: 100 as UInt8),
          ]),
        .init(
          QLinearMatMul(),
          [
            a, try Tensor([0.5, 0.25] as [Float]), try Tensor([3, 4] as [UInt8]), b,
            try Tensor(shape: [2, 1, 2], [0.5, 1, 2, 4] as [Float]),
            try Tensor(shape: [2, 1, 2], [1, 2, 3, 4] as [Int8]), two,
            try Tensor(scalar: -3 as Int8),
          ]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(7), try MatMulInteger.dims(c, 0, 3))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard inputs.count > 3 else { return nil }
    return MatMul().multiplyAdds(inputs: [inputs[0], inputs[3]], outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (y, scale) = (try p.output(0), try p.input(1).dtype)
    let inputs = ByteLinear.Inputs(
      a: 0, aScale: 1, aZero: 2, b: 3, bScale: 4, bZero: 5, yScale: 6, yZero: 7)
    if let linear = try ByteLinear.matMul(p, inputs) { return linear.prepared() }
    let product = try IntegerProduct(p, a: (0, 2), b: (3, 5))
    let places = try product.places(a: p.input(1).shape, b: p.input(4).shape)
    guard try p.input(6).count == 1, try p.input(7).count == 1 else {
      throw EngineError(
        .shape, "y has more than one scale or zero point", expected: "one element",
        received: "\(try p.input(6).shape) and \(try p.input(7).shape)")
    }
    guard let output = Requantizer(y.dtype), let reader = NumberReader(scale),
      try p.input(4).dtype == scale, try p.input(6).dtype == scale
    else { throw p.noKernel() }
    let (n, rows, isFloat) = (product.columns, product.rows, product.isFloat)
    let pieces = max(1, min(p.options.threads, rows))
    let factorCount = places.step == 0 ? 1 : n
    let sumBytes = (y.count * 4 + 63) / 64 * 64
    let factorBytes = (pieces * factorCount * 4 + 63) / 64 * 64
    return Prepared(
      scratchBytes: sumBytes + factorBytes + product.scratchBytes, label: product.label + " int8"
    ) { m in
      let sums = m.scratch
      let factors = (m.scratch + sumBytes).assumingMemoryBound(to: Float.self)
      product.run(m, sums, scratch: m.scratch + sumBytes + factorBytes)
      let zero = output.zero(m.inputs[7])
      let yScale = reader.double(m.inputs[6], 0)
      m.pool.run(pieces) { piece in
        let factor = factors + piece * factorCount
        for r in rows * piece / pieces..<rows * (piece + 1) / pieces {
          let aScale = reader.double(m.inputs[1], places.a[r])
          for j in 0..<factorCount {
            factor[j] = Requantizer.multiplier(
              aScale, reader.double(m.inputs[4], places.b[r] + j), yScale, scale)
          }
          if isFloat {
            output.run(
              sums.assumingMemoryBound(to: Float.self) + r * n, n, factor, step: places.step,
              zero: zero, m.outputs[0], at: r * n)
          } else {
            output.run(
              sums.assumingMemoryBound(to: Int32.self) + r * n, n, factor, step: places.step,
              zero: zero, m.outputs[0], at: r * n)
          }
        }
      }
    }
  }
}
