import Graphs
import Kernels
import Tensors

/// The product with a matrix of weights of 2, 4 or 8 bits in blocks: `Y = A W' + bias`, `W[n, k] =
/// (B[n, k] - zero[n, block]) * scale[n, block]`.
///
/// - `A`: float16, bfloat16 or float32 `[..., K]`. `B`: uint8 `[N, blocks, block_size * bits / 8]`,
///   codes packed low bits first, `blocks = ceil(K / block_size)`. `scales`: A's type,
///   `N * blocks` elements. `zero_points` (optional, `2^(bits - 1)`): uint8, packed as B is, each
///   of the N rows starting at a byte; or A's type, `N * blocks`. `g_idx` (optional): int32 `[K]`
///   or padded to whole blocks, the block of each k. `bias` (optional): A's type, `[N]`.
/// - `Y`: A's type, `[..., N]`.
/// - `K`, `N`, `bits` (default 4), `block_size`: a power of two from 16. `accuracy_level`: 4 lets A
///   be rounded to int8, a scale for each block; others leave A as it is. `weight_prepacked`: 0.
/// - Errors: `.attribute`; `.shape` for sizes that do not fit; `.unsupported` for weights in
///   another runtime's order.
/// - Edges: a B without elements stands for zeros.
/// - Accuracy: sums in float32, each block by itself. With AVX-512 VNNI and unless the session is
///   exact, numbers of A have 24 bits of the largest of their block (up to 256), an error of 6e-8 of
///   it; at level 4 8 bits, an error of up to 1/254.
/// - Cost: constant weights without g_idx and with packed zero points stay in their bits (2 in 4) and
///   are read once a row, or once a run for many rows; others of up to 2^24 elements are kept in
///   float32; the rest is unpacked a strip at a time in every run.
/// - Source: com.microsoft MatMulNBits 1.
public struct MatMulNBits: Operator {
  public let bits: Int
  public let k: Int
  public let n: Int
  public let block: Int
  public let accuracyLevel: Int

  static let real = DTypes(.float32, .float16, .bfloat16)

  public static let schema = Schema(
    "MatMulNBits", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("A", real, "T1"), Parameter("B", DTypes(.uint8), "T2"),
      Parameter("scales", real, "T1"),
      .optional("zero_points", [DTypes(.uint8), real], "T3"),
      .optional("g_idx", DTypes(.int32), "T4"), .optional("bias", real, "T1"),
    ],
    outputs: [Parameter("Y", real, "T1")],
    attributes: [
      AttributeSpec("K", .int, "rows of the weights: what is summed over"),
      AttributeSpec("N", .int, "columns of the weights"),
      AttributeSpec(
        "accuracy_level", .int, "4: A may be rounded to int8; 0 (default) to 3: it is not"),
      AttributeSpec("bits", .int, "2, 4 (default) or 8"),
      AttributeSpec("block_size", .int, "elements that share a scale: a power of two from 16"),
      AttributeSpec("weight_prepacked", .int, "0: B as described; others are not supported"),
    ], tolerance: 2e-3,
    cases: {
      let a = try Tensor(shape: [2, 20], (0..<40).map { Float($0 * 7 % 40) / 16 - 1 })
      let four = try Tensor(shape: [3, 2, 8], (0..<48).map { UInt8($0 * 37 % 256) })
      let eight = try Tensor(shape: [3, 2, 16], (0..<96).map { UInt8($0 * 37 % 256) })
      let scales = try Tensor(shape: [3, 2], [0.5, 0.25, 1, 0.75, 2, 0.125] as [Float])
      let zeros = try Tensor([0x73, 0x8a, 0x51] as [UInt8])
      let bias = try Tensor([1, -2, 3] as [Float])
      return [
        .init(MatMulNBits(k: 20, n: 3, block: 16), [a, four, scales]),
        .init(MatMulNBits(k: 20, n: 3, block: 16), [a, four, scales, zeros, nil, bias]),
        .init(MatMulNBits(bits: 8, k: 20, n: 3, block: 16), [a, eight, scales, scales]),
      ]
    })

  public init(bits: Int = 4, k: Int, n: Int, block: Int, accuracyLevel: Int = 0) {
    self.bits = bits
    self.k = k
    self.n = n
    self.block = block
    self.accuracyLevel = accuracyLevel
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    bits = try a.int("bits", default: 4)
    k = try a.int("K")
    n = try a.int("N")
    block = try a.int("block_size")
    accuracyLevel = try a.int("accuracy_level", default: 0)
    guard bits == 2 || bits == 4 || bits == 8 else {
      throw EngineError(
        .attribute, "attribute 'bits' has no legal value", expected: "2, 4 or 8",
        received: "\(bits)")
    }
    for (name, value) in [("K", k), ("N", n)] where value < 1 || value > Int(Int32.max) {
      throw EngineError(
        .attribute, "attribute '\(name)' is out of range", expected: "1 to \(Int32.max)",
        received: "\(value)")
    }
    guard block >= 16, block <= 1 << 24, block & (block - 1) == 0 else {
      throw EngineError(
        .attribute, "attribute 'block_size' is no power of two from 16", received: "\(block)")
    }
    guard try a.int("weight_prepacked", default: 0) == 0 else {
      throw EngineError(
        .unsupported, "the weights lie in the order of another runtime's kernels",
        expected: "weight_prepacked = 0", hint: "quantise the model again without prepacking")
    }
  }

  public var attributes: [Attribute] {
    [
      .int("K", k), .int("N", n), .int("accuracy_level", accuracyLevel), .int("bits", bits),
      .int("block_size", block),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let a = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    guard let last = a.last, last.known == nil || last.known == k else {
      throw EngineError(
        .shape, "A does not fit the weights", expected: "[..., \(k)]", received: "\(a)")
    }
    return [Fact(c.dtype(0), a.dropLast() + [Dim(n)])]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    outputs[0].map { $0.product * Dim(k) }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, b, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard let last = a.shape.array.last, last == k, y.dtype == a.dtype else { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let rows = y.count / n
    let hasBias = p.has(5)
    if hasBias { try check(p, 5, "bias", n) }
    if b.count == 0 {
      let fill = try Add().prepare(
        Preparation(
          inputs: [y, hasBias ? try p.input(5) : TensorType(a.dtype, [1])], outputs: [y],
          options: p.options, store: p.store))
      return NBitsProduct.zeros(fill, y, hasBias: hasBias)
    }
    let weights = try layout(p)
    let product = try NBitsProduct(
      p, weights, rows: rows, rounds: accuracyLevel == 4 && !p.options.exact)
    return Prepared(scratchBytes: product.scratchBytes, label: product.label) { m in
      product.run(m)
    }
  }

  private func check(
    _ p: Preparation, _ i: Int, _ name: String, _ count: Int
  ) throws(EngineError) {
    guard try p.input(i).count == count else {
      throw EngineError(
        .shape, "\(name) does not fit the weights", expected: "\(count) elements",
        received: "\(try p.input(i).shape)")
    }
  }

  /// How the weights lie, their inputs checked.
  private func layout(_ p: Preparation) throws(EngineError) -> BlockWeights {
    let zeroType: DType? = p.has(3) ? try p.input(3).dtype : nil
    let zeros: BlockWeights.Zeros = zeroType.map { $0 == .uint8 ? .packed : .real } ?? .none
    guard
      let weights = BlockWeights(
        bits: bits, rows: n, length: k, block: block, scale: try p.input(2).dtype, zeros: zeros,
        zeroType: zeroType ?? .uint8)
    else { throw p.noKernel() }
    let (bytes, over) = weights.rowBytes.multipliedReportingOverflow(by: n)
    guard !over, try p.input(1).count == bytes else {
      throw EngineError(
        .shape, "B does not fit K, N, bits and block_size",
        expected: "[\(n), \(weights.blocks), \(block * bits / 8)]",
        received: "\(try p.input(1).shape)")
    }
    try check(p, 2, "scales", n * weights.blocks)
    if zeros != .none {
      try check(
        p, 3, "zero_points", n * (zeros == .packed ? weights.zeroBytes : weights.blocks))
    }
    if p.has(4), try p.input(4).count != weights.blocks * block { try check(p, 4, "g_idx", k) }
    return weights
  }
}
