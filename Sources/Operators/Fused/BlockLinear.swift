import Graphs
import Kernels
import Tensors

/// A product with weights of 2, 4 or 8 bits whose scales are for blocks of what is summed over:
/// `Y = A W + bias`, `W[k, n] = (B[k, n] - zero[k / block, n]) * scale[k / block, n]`.
///
/// - `A`: float32 `[..., K]`. `B`: integers of 2, 4 or 8 bits `[K, N]`, or `[N, K]` with `transB`.
///   `scales`: float32 `[ceil(K / block), N]`, or `[N, ceil(K / block)]`; `zeros` (optional, 0): B's
///   type, as scales. `bias` (optional): float32 `[N]`.
/// - Attributes: `block_size`, from 1; `transB`, default 0.
/// - Output: `Y` float32 `[..., N]`.
/// - Errors: `.shape` for sizes that do not fit; `.attribute`.
/// - Accuracy: sums in float32, each block by itself.
/// - Cost: constant weights in blocks of a multiple of 32 stay in their bits (2 in 4) and are read
///   once for each row, or once a run for many; others are made into float32 in every run.
/// - Source: domain ai.dlrun 1; DequantizeLinear 21, MatMul and Add of ONNX.
public struct BlockLinear: KernelComposite {
  public let block: Int
  public let transB: Bool

  static let codes = DTypes(.int4, .uint4, .int8, .uint8, .int2, .uint2)
  private static let real = DTypes(.float32)

  /// Whether weights may be of this type.
  public static func accepts(_ dtype: DType) -> Bool { codes.contains(dtype) }

  public static let schema = Schema(
    "BlockLinear", domain: Fused.domain, versions: [1],
    inputs: [
      Parameter("A", real), Parameter("B", codes, "T1"), Parameter("scales", real),
      .optional("zeros", codes, "T1"), .optional("bias", real),
    ],
    outputs: [Parameter("Y", real)],
    attributes: [
      AttributeSpec("block_size", .int, "steps of the sum that share a scale, from 1"),
      AttributeSpec("transB", .int, "1: B is transposed; default 0"),
    ],
    cases: {
      let a = try Tensor(shape: [2, 2, 40], (0..<160).map { Float($0 * 7 % 40) / 16 - 1 })
      let b = try Tensor(shape: [40, 3], (0..<120).map { Int8($0 * 37 % 251 - 125) })
      let turned = try Tensor(shape: [3, 40], (0..<120).map { UInt8($0 * 37 % 251) })
      let scales = try Tensor(shape: [2, 3], (0..<6).map { Float($0 + 1) * 0.004 })
      let zeros = try Tensor(shape: [3, 2], (0..<6).map { UInt8($0 * 41) })
      let bias = try Tensor([1, -2, 3] as [Float])
      return [
        .init(BlockLinear(block: 32), [a, b, scales]),
        .init(
          BlockLinear(block: 32, transB: true),
          [a, turned, try scales.reshaped([3, 2]), zeros, bias]),
        .init(
          BlockLinear(block: 20), [a, b, scales, nil, bias]),
      ]
    })

  public init(block: Int, transB: Bool = false) {
    self.block = block
    self.transB = transB
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    transB = try a.bool("transB", default: false)
    block = try a.int("block_size")
    guard block >= 1, block <= 1 << 24 else {
      throw EngineError(
        .attribute, "attribute 'block_size' is out of range", expected: "1 to 2^24",
        received: "\(block)")
    }
  }
  public var attributes: [Attribute] {
    [.int("block_size", block)] + (transB ? [.bool("transB", true)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let real: [Fact?] = [
      Fact(.float32, c.dims(0)), Fact(.float32, c.dims(1)),
      c.has(4) ? Fact(.float32, c.dims(4)) : nil,
    ]
    let y = try FusedLinear(transB: transB).infer(Inference(inputs: real))
    if let b = c.dims(1), b.count == 2, let k = b[transB ? 1 : 0].known,
      let n = b[transB ? 0 : 1].known
    {
      let blocks = k / block + (k % block == 0 ? 0 : 1)
      let wanted = transB ? [Dim(n), Dim(blocks)] : [Dim(blocks), Dim(n)]
      for i in [2, 3] {
        guard let own = c.dims(i), own.allSatisfy({ $0.known != nil }), own != wanted else {
          continue
        }
        throw EngineError(
          .shape, "scales or zero points do not fit B and its blocks", expected: "\(wanted)",
          received: "\(own)")
      }
    }
    return y
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let k = inputs[0]?.last, let y = outputs[0] else { return nil }
    return y.product * k
  }

  private var dequantize: DequantizeLinear {
    DequantizeLinear(scales: .init(axis: transB ? 1 : 0, block: block))
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let a = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    func at(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    var w = try b.apply(dequantize, inputs: [at(1), at(2), at(3)])
    if transB { w = try b.apply(Transpose(perm: [1, 0]), w) }
    var y = try b.apply(MatMul(), a, w)
    if let bias = at(4) { y = try b.apply(Add(), y, bias) }
    return Few(y)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, b, y) = (try p.input(0), try p.input(1), try p.output(0))
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let (k, n) = (a.shape[a.shape.rank - 1], y.shape[y.shape.rank - 1])
    let (m, hasBias) = (y.count / n, p.has(4))
    if let plan = try few(p, m: m, n: n, k: k) {
      return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { memory in
        plan.run(
          memory.input(0, Float.self), bias: hasBias ? memory.input(4, Float.self) : nil,
          memory.output(0, Float.self), scratch: memory.scratch, pool: memory.pool)
      }
    }
    let zero: TensorType? = p.has(3) ? try p.input(3) : nil
    let rows = try dequantize.scales.rows(b.shape, scale: p.input(2).shape, zero: zero?.shape)
    guard
      let kernel = DequantizeKernel(from: b.dtype, scale: .float32, to: .float32, rows: rows)
    else { throw p.noKernel() }
    let right = GemmPlan.Layout(row: transB ? 1 : n, column: transB ? k : 1)
    let plan = GemmPlan(
      m: m, n: n, k: k, b: right, epilogue: hasBias ? .biasPerColumn : .init(),
      threads: p.options.threads)
    let wide = (n * k * 4 + 63) & ~63
    let hasZero = zero != nil
    return Prepared(
      scratchBytes: wide + max(plan.scratchBytes, kernel.scratchBytes), label: plan.label
    ) { memory in
      kernel.run(
        memory.inputs[1], scale: memory.inputs[2],
        zero: hasZero ? UnsafeRawPointer(memory.inputs[3]) : nil, memory.scratch,
        scratch: memory.scratch + wide, pool: memory.pool)
      plan.run(
        a: memory.inputs[0], b: memory.scratch, c: memory.outputs[0],
        addend: hasBias ? UnsafeRawPointer(memory.inputs[4]) : nil,
        scratch: memory.scratch + wide, pool: memory.pool)
    }
  }

  /// Nil where weights are not constant or their blocks not of whole groups.
  private func few(
    _ p: Preparation, m: Int, n: Int, k: Int
  ) throws(EngineError) -> NBitsPlan? {
    guard block == 16 || block % 32 == 0, let codes = p.constant(1), let scales = p.constant(2),
      let reader = NumberReader(codes.dtype), let real = NumberReader(scales.dtype)
    else { return nil }
    let blocks = k / block + (k % block == 0 ? 0 : 1)
    let (isTurned, bits) = (transB, codes.dtype.bits)
    // Codes of signed integers are moved up so that none is negative.
    let shift = codes.dtype.isSignedInteger ? 1 << (bits - 1) : 0
    let form = "block \(codes.dtype) \(n)x\(k) by \(block) \(isTurned)"
    defer { withExtendedLifetime((codes, scales)) {} }
    let packed = try p.packed(codes, as: form) { (space) throws(EngineError) in
      try PackedNBits(n: n, k: k, block: block, bits: bits, space: space) { j, i in
        let x = reader.double(codes.storage.bytes, isTurned ? j * k + i : i * n + j)
        return UInt8(truncatingIfNeeded: Int(x) + shift)
      }
    }
    let factors: Storage = try p.packed(scales, as: form + " scales") {
      (space) throws(EngineError) in
      try nbitsPanels(.float32, n: n, k: k, block: block, space: space, fill: 0 as Float) { j, b in
        Float(real.double(scales.storage.bytes, isTurned ? j * blocks + b : b * n + j))
      }
    }
    var zeros: Storage?
    if p.has(3) {
      guard let points = p.constant(3) else { return nil }
      defer { withExtendedLifetime(points) {} }
      zeros = try p.packed(points, as: form + " zeros") { (space) throws(EngineError) in
        try nbitsPanels(.uint8, n: n, k: k, block: block, space: space, fill: 0 as UInt8) { j, b in
          let x = reader.double(points.storage.bytes, isTurned ? j * blocks + b : b * n + j)
          return UInt8(truncatingIfNeeded: Int(x) + shift)
        }
      }
    }
    return NBitsPlan(
      m: m, packed, scales: factors, zeros: zeros, zero: shift, rounds: false,
      isExact: p.options.exact, hasBias: p.has(4), threads: p.options.threads)
  }
}
