import Graphs
import Kernels
import Tensors

/// The matrix product of 8-bit integers less their zero points: `Y = (A - a_zero) (B - b_zero)`.
///
/// - `A`, `B`: int8 or uint8, shapes as MatMul takes them. `a_zero_point` (optional): A's type, one
///   element, `[M]` or `[..., M, 1]`; `b_zero_point` (optional): B's type, one element, `[N]` or
///   `[..., 1, N]`. `Y`: int32.
/// - Errors: `.shape` for factors and zero points that do not fit.
/// - Edges: sums wrap modulo 2^32.
/// - Cost: a constant B is widened and packed once.
/// - Source: ONNX MatMulInteger 10.
public struct MatMulInteger: Operator {
  static let types = DTypes(.int8, .uint8)
  public static let schema = Schema(
    "MatMulInteger", versions: [10],
    inputs: [
      Parameter("A", types, "T1"), Parameter("B", types, "T2"),
      .optional("a_zero_point", types, "T1"), .optional("b_zero_point", types, "T2"),
    ],
    outputs: [Parameter("Y", DTypes(.int32), "T3")],
    cases: {
      let a = try Tensor(shape: [2, 3], [11, 7, 3, 10, 6, 2] as [UInt8])
      let b = try Tensor(shape: [3, 2], [1, 4, -2, 5, 3, 6] as [Int8])
      let stack = try Tensor(shape: [2, 3, 2], (0..<12).map { Int8($0 * 7 % 12 - 5) })
      return [
        .init(MatMulInteger(), [a, b]),
        .init(
          MatMulInteger(), [a, b, try Tensor(scalar: 12 as UInt8), try Tensor([1, -1] as [Int8])]),
        .init(
          MatMulInteger(),
          [
            a, stack, try Tensor([3, 4] as [UInt8]),
            try Tensor(shape: [2, 1, 2], [1, 2, 3, 4] as [Int8]),
          ]),
        .init(
          MatMulInteger(), [a, stack, try Tensor(scalar: 12 as UInt8), try Tensor([-1] as [Int8])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.int32, try Self.dims(c, 0, 1))]
  }

  /// Sizes of the product of inputs `a` and `b`.
  static func dims(_ c: Inference, _ a: Int, _ b: Int) throws(EngineError) -> [Dim]? {
    let factors = [Fact(nil, c.dims(a)), Fact(nil, c.dims(b))]
    return try MatMul().infer(Inference(inputs: factors)).first?.dims
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    MatMul().multiplyAdds(inputs: inputs, outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let inputs = ByteLinear.Inputs(
      a: 0, aZero: p.has(2) ? 2 : nil, b: 1, bZero: p.has(3) ? 3 : nil)
    if let linear = try ByteLinear.matMul(p, inputs) { return linear.prepared() }
    let product = try IntegerProduct(p, a: (0, 2), b: (1, 3))
    guard !product.isFloat else { throw p.noKernel() }
    return Prepared(scratchBytes: product.scratchBytes, label: product.label + " int8") { m in
      product.run(m, m.outputs[0], scratch: m.scratch)
    }
  }
}
