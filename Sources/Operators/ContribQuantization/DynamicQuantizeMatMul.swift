import Graphs
import Kernels
import Tensors

/// The matrix product of real numbers, quantised on the way, and 8-bit integers: `Y = a_scale
/// b_scale (Q(A) - a_zero) (B - b_zero) + bias`, with Q(A), `a_scale` and `a_zero` of A as a whole
/// as DynamicQuantizeLinear gives them.
///
/// - `A`: float32; `B`: int8 or uint8; shapes as MatMul takes them. `b_scale`: float32, one
///   element, `[N]` or `[..., 1, N]`; `b_zero_point` (optional, 0): B's type, likewise; `bias`
///   (optional): float32 `[N]`. `Y`: float32.
/// - Errors: as MatMulIntegerToFloat.
/// - Cost: a constant B is widened and packed once.
/// - Source: com.microsoft DynamicQuantizeMatMul 1.
public struct DynamicQuantizeMatMul: Operator {
  public static let schema = Schema(
    "DynamicQuantizeMatMul", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("A", DTypes(.float32), "T1"), Parameter("B", MatMulInteger.types, "T2"),
      Parameter("b_scale", DTypes(.float32), "T1"),
      .optional("b_zero_point", MatMulInteger.types, "T2"),
      .optional("bias", DTypes(.float32), "T1"),
    ],
    outputs: [Parameter("Y", DTypes(.float32), "T1")],
    cases: {
      let a = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let b = try Tensor(shape: [3, 2], [1, 4, -2, 5, 3, 6] as [Int8])
      let (s, t) = (try Tensor(scalar: 0.5 as Float), try Tensor([0.25, 2] as [Float]))
      return [
        .init(DynamicQuantizeMatMul(), [a, b, s]),
        .init(
          DynamicQuantizeMatMul(),
          [a, b, t, try Tensor([1, -2] as [Int8]), try Tensor([10, -20] as [Float])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.float32, try MatMulInteger.dims(c, 0, 1))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    MatMul().multiplyAdds(inputs: inputs, outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, y) = (try p.input(0), try p.output(0))
    let codes = TensorType(.uint8, a.shape)
    let (scale, zero) = (TensorType(.float32, []), TensorType(.uint8, []))
    let quantize = try DynamicQuantizeLinear().prepare(
      Preparation(inputs: [a], outputs: [codes, scale, zero], options: p.options, store: p.store))
    func at<T>(_ list: [T?], _ i: Int) -> T? { i < list.count ? list[i] : nil }
    let product = try MatMulIntegerToFloat().prepare(
      Preparation(
        inputs: [
          codes, p.inputs[1], scale, p.inputs[2], zero, at(p.inputs, 3), at(p.inputs, 4),
        ],
        outputs: [y],
        constants: [
          nil, p.constant(1), nil, p.constant(2), nil, p.constant(3), p.constant(4),
        ], options: p.options, store: p.store))
    let (hasZero, hasBias) = (p.has(3), p.has(4))
    // Scratch: addresses, the scale and zero point of A, its codes, what the two kernels need.
    let codeBytes = (codes.byteCount + 63) / 64 * 64
    let own = 192 + codeBytes
    return Prepared(
      scratchBytes: own + max(quantize.scratchBytes, product.scratchBytes), label: product.label
    ) { (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      let (scale, zero, codes) = (m.scratch + 128, m.scratch + 132, m.scratch + 192)
      addresses[7] = codes
      addresses[8] = scale
      addresses[9] = zero
      try quantize.run(
        Memory(inputs: m.inputs, outputs: addresses + 7, scratch: m.scratch + own, pool: m.pool))
      addresses[0] = codes
      addresses[1] = m.inputs[1]
      addresses[2] = scale
      addresses[3] = m.inputs[2]
      addresses[4] = zero
      addresses[5] = hasZero ? m.inputs[3] : m.scratch
      addresses[6] = hasBias ? m.inputs[4] : m.scratch
      try product.run(
        Memory(inputs: addresses, outputs: m.outputs, scratch: m.scratch + own, pool: m.pool))
    }
  }
}
