import Graphs
import Kernels
import Tensors

/// The product with a matrix of weights of 4 bits as bitsandbytes stores them: `Y = A W'`, `W[i] =
/// table[code[i]] * absmax[i / block_size]` over the elements of `W` `[N, K]` in row-major order.
///
/// - `A`: float32, float16 or bfloat16 `[..., K]`. `B`: uint8, `(N * K + 1) / 2` elements, two
///   codes a byte, the first in the high bits. `absmax`: A's type, one element a block, the last
///   perhaps shorter. `Y`: A's type, `[..., N]`.
/// - `K`, `N`, `block_size`; `quant_type`: 0 for FP4's table, 1 for NF4's. `transB` 1 (default).
///   `training_mode` plays no part.
/// - Errors: `.attribute`; `.shape` for sizes that do not fit; `.unsupported` for `transB` 0.
/// - Cost: weights become real numbers in every run.
/// - Source: com.microsoft MatMulBnb4 1; NF4's table from QLoRA (Dettmers and others, 2023).
public struct MatMulBnb4: CompositeOperator {
  public let k: Int
  public let n: Int
  public let block: Int
  public let isNF4: Bool

  public static let schema = Schema(
    "MatMulBnb4", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("A", MatMulNBits.real, "T1"), Parameter("B", DTypes(.uint8), "T2"),
      Parameter("absmax", MatMulNBits.real, "T1"),
    ],
    outputs: [Parameter("Y", MatMulNBits.real, "T1")],
    attributes: [
      AttributeSpec("K", .int, "rows of the weights: what is summed over"),
      AttributeSpec("N", .int, "columns of the weights"),
      AttributeSpec("block_size", .int, "elements that share a scale"),
      AttributeSpec("quant_type", .int, "0: FP4; 1: NF4"),
      AttributeSpec("training_mode", .int, "plays no part, not written"),
      AttributeSpec("transB", .int, "must be 1, the default"),
    ], tolerance: 2e-3,
    cases: {
      let a = try Tensor(shape: [2, 5], (0..<10).map { Float($0 * 7 % 10) / 4 - 1 })
      let b = try Tensor((0..<8).map { UInt8($0 * 37 % 256) })
      let scales = try Tensor([0.5] as [Float])
      return [
        .init(MatMulBnb4(k: 5, n: 3, block: 16, isNF4: true), [a, b, scales]),
        .init(MatMulBnb4(k: 5, n: 3, block: 16, isNF4: false), [a, b, scales]),
      ]
    })

  private static let nf4: [Float] = [
    -1, -0.696_192_8, -0.525_073_05, -0.394_917_5, -0.284_441_38, -0.184_773_43, -0.091_050_036, 0,
    0.079_580_3, 0.160_930_2, 0.246_112_3, 0.337_915_24, 0.440_709_83, 0.562_617, 0.722_956_84, 1,
  ]
  private static let fp4: [Float] = [
    0, 0.005_208_333, 0.666_666_7, 1, 0.333_333_34, 0.5, 0.166_666_67, 0.25,
  ]

  public init(k: Int, n: Int, block: Int, isNF4: Bool) {
    self.k = k
    self.n = n
    self.block = block
    self.isNF4 = isNF4
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    k = try a.int("K")
    n = try a.int("N")
    block = try a.int("block_size")
    for (name, value) in [("K", k), ("N", n), ("block_size", block)]
    where value < 1 || value >= 1 << 30 {
      throw EngineError(
        .attribute, "attribute '\(name)' is out of range", expected: "1 to \(1 << 30 - 1)",
        received: "\(value)")
    }
    let kind = try a.int("quant_type")
    guard kind == 0 || kind == 1 else {
      throw EngineError(
        .attribute, "attribute 'quant_type' has no legal value", expected: "0 or 1",
        received: "\(kind)")
    }
    isNF4 = kind == 1
    guard try a.bool("transB", default: true) else {
      throw EngineError(.unsupported, "weights that are not transposed", expected: "transB = 1")
    }
  }
  public var attributes: [Attribute] {
    [
      .int("K", k), .int("N", n), .int("block_size", block), .int("quant_type", isNF4 ? 1 : 0),
    ]
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count == 3, let a = inputs[0], let packed = inputs[1], let scales = inputs[2]
    else {
      throw EngineError(.arity, "an input is missing")
    }
    func numbers(_ list: [Int]) throws(EngineError) -> B.Value {
      try b.constant(Tensor(list.map { Int64($0) }))
    }
    let size = n * k
    for (value, name, count) in [
      (packed, "B", (size + 1) / 2), (scales, "absmax", (size + block - 1) / block),
    ] {
      guard let given = b.fact(of: value).dims?.product.known, given != count else { continue }
      throw EngineError(
        .shape, "\(name) does not fit the weights", expected: "\(count) elements",
        received: "\(given)")
    }
    func first(_ value: B.Value) throws(EngineError) -> B.Value {
      try b.apply(Slice(), inputs: [value, numbers([0]), numbers([size]), numbers([0])])
    }
    let column = try numbers([-1, 1])
    let bytes = try b.apply(Cast(to: .int32), b.apply(Reshape(), packed, column))
    let sixteen = try b.constant(Tensor(scalar: 16 as Int32))
    let high = try b.apply(Div(), bytes, sixteen)
    let low = try minus(b, bytes, b.apply(Mul(), high, sixteen))
    let flat = try numbers([-1])
    let codes = try first(b.apply(Reshape(), b.apply(Concat(axis: 1), high, low), flat))
    let values = isNF4 ? Self.nf4 : Self.fp4 + Self.fp4.map { -$0 }
    let plain = try b.apply(Gather(), b.constant(Tensor(values)), codes)
    let wide = try b.apply(Cast(to: .float32), b.apply(Reshape(), scales, column))
    let each = try b.apply(Expand(), wide, numbers([(size + block - 1) / block, block]))
    let weights = try times(b, plain, first(b.apply(Reshape(), each, flat)))
    let matrix = try b.apply(CastLike(), b.apply(Reshape(), weights, numbers([n, k])), a)
    return Few(try b.apply(FusedMatMul(b: .init(isTransposed: true)), a, matrix))
  }
}
