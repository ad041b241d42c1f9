import Graphs
import Kernels
import Tensors

/// The general matrix product `Y = alpha A' B' + beta C`, a prime meaning an optional transpose.
///
/// - `A`: `[M, K]`, or `[K, M]` with `transA`; `B`: `[K, N]`, or `[N, K]` with `transB`; `C`
///   (optional): anything that broadcasts to `[M, N]`. One floating type, or integers of 32 or 64
///   bits.
/// - `alpha`, `beta`: factors, default 1. For integers other values are applied in float64 and
///   rounded towards zero.
/// - Errors: `.shape` for ranks other than 2, lengths K that differ, a C that does not broadcast.
/// - Edges: `K = 0` gives `beta C`. Without C, or with `beta = 0`, C plays no part.
/// - Gradient: `dA' = alpha dY B'^T`, `dB' = alpha A'^T dY`, `dC = beta dY` summed over
///   broadcast axes.
/// - Cost: a constant A or B is packed once; C is added as sums are stored.
/// - Source: ONNX Gemm 1, 6, 7, 9, 11, 13. Before 7 C broadcast only where `broadcast` said so;
///   here it always does.
public struct Gemm: Operator {
  public let alpha: Float
  public let beta: Float
  public let transA: Bool
  public let transB: Bool

  public static let schema = Schema(
    "Gemm", versions: [1, 6, 7, 9, 11, 13],
    inputs: [
      Parameter("A", MatMul.types), Parameter("B", MatMul.types), .optional("C", MatMul.types),
    ],
    outputs: [Parameter("Y", MatMul.types)],
    attributes: [
      AttributeSpec("alpha", .float, "factor of the product; default 1"),
      AttributeSpec("beta", .float, "factor of C; default 1"),
      AttributeSpec("broadcast", .int, "before opset 7: 1: C broadcasts; not written", before: 7),
      AttributeSpec("transA", .int, "1: A is transposed; default 0"),
      AttributeSpec("transB", .int, "1: B is transposed; default 0"),
    ],
    inputCounts: [1: 3...3, 11: 2...3],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let b = try Tensor(shape: [3, 2], [1, 2, -0.5, 0.75, 1.25, -1.5] as [Float])
      let column = try Tensor(shape: [2, 1], [3, -4] as [Float])
      return [
        .init(Gemm(), [a, b, try Tensor([1, -2] as [Float])]),
        .init(Gemm(alpha: 0.5, beta: 2), [a, b, column]),
        .init(Gemm(transA: true, transB: true), [b, a]),
        .init(Gemm(alpha: 2, transA: true), [a, a]),
        .init(Gemm(alpha: 2, transB: true), [a, a, try Tensor(scalar: 0.5 as Float)]),
      ]
    })

  public init(
    alpha: Float = 1, beta: Float = 1, transA: Bool = false, transB: Bool = false
  ) {
    self.alpha = alpha
    self.beta = beta
    self.transA = transA
    self.transB = transB
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    _ = try a.bool("broadcast", default: false)
    alpha = try a.float("alpha", default: 1)
    beta = try a.float("beta", default: 1)
    transA = try a.bool("transA", default: false)
    transB = try a.bool("transB", default: false)
  }
  public var attributes: [Attribute] {
    [
      .float("alpha", alpha), .float("beta", beta), .bool("transA", transA),
      .bool("transB", transB),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, name) in [(0, "A"), (1, "B")] {
      if let rank = c.rank(i), rank != 2 {
        throw EngineError(
          .shape, "input \(name) is no matrix", expected: "rank 2", received: "rank \(rank)")
      }
    }
    let (a, b) = (c.dims(0), c.dims(1))
    if let x = a?[transA ? 0 : 1].known, let y = b?[transB ? 1 : 0].known, x != y {
      throw EngineError(
        .shape, "the factors do not fit together",
        expected: "a sum over \(x) elements, as A has", received: "\(y) in B")
    }
    let dims = [
      a.map { $0[transA ? 1 : 0] } ?? c.unknown(), b.map { $0[transB ? 0 : 1] } ?? c.unknown(),
    ]
    if let extra = c.dims(2) {
      let common = try broadcast(extra, dims) ?? dims
      let isSame = zip(common, dims).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard common.count == 2, isSame else {
        throw EngineError(
          .shape, "C does not broadcast to the product", expected: "\(dims)", received: "\(extra)")
      }
    }
    return [Fact(c.dtype(0) ?? c.dtype(1), dims)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    let ka = inputs[0].map { $0.count == 2 ? $0[transA ? 0 : 1] : nil } ?? nil
    let kb = inputs[1].map { $0.count == 2 ? $0[transB ? 1 : 0] : nil } ?? nil
    guard let k = kb?.known == nil ? ka ?? kb : kb, let y = outputs[0] else { return nil }
    return y.product * k
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, b, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard b.dtype == a.dtype, y.dtype == a.dtype, let element = GemmElement(a.dtype) else {
      throw p.noKernel()
    }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let (m, n) = (y.shape[0], y.shape[1])
    let k = a.shape[transA ? 0 : 1]
    let left = GemmPlan.Layout(row: transA ? 1 : k, column: transA ? m : 1)
    let right = GemmPlan.Layout(row: transB ? 1 : n, column: transB ? k : 1)
    var packed: PackedMatrix?
    if let constant = p.constant(1), constant.type == b {
      packed = try p.packedFactor(
        .right, count: n, k: k, constant, across: right.column, along: right.row)
    }
    let isWhole = alpha == 1 && beta == 1
    if element == .int32 || element == .int64, !isWhole { return try scaledIntegers(p) }
    var epilogue = GemmPlan.Epilogue()
    epilogue.alpha = Double(alpha)
    let extra = p.has(2) && beta != 0 ? try p.input(2) : nil
    if let extra {
      guard extra.dtype == a.dtype else { throw p.noKernel() }
      epilogue.beta = Double(beta)
      epilogue.addend = Gemm.layout(extra.shape)
    }
    // Several threads, which share what they pack, gain only where columns leave a rest and rows
    // none, as 65 classes do; the bits are the same.
    let pays = p.options.threads == 1 || ((1...32).contains(n % 64) && m % 64 == 0)
    if a.dtype == .float32, transA, !transB, alpha == 1, extra == nil, packed == nil, pays,
      let plan = TurnedProductPlan(m: m, n: n, k: k, threads: p.options.threads)
    {
      return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { memory in
        plan.run(
          a: memory.inputs[0], b: memory.inputs[1], c: memory.outputs[0],
          scratch: memory.scratch, pool: memory.pool)
      }
    }
    let product = MatrixProduct(
      a.dtype, counts: (a.count, packed == nil ? b.count : 0, y.count, extra?.count ?? 0),
      threads: p.options.threads
    ) {
      GemmPlan(
        m: m, n: n, k: k, element: $0, a: left, b: right, packedB: packed, epilogue: epilogue,
        threads: $1)
    }
    guard let product else { throw p.noKernel() }
    let hasAddend = extra != nil
    return Prepared(scratchBytes: product.scratchBytes, label: product.label) {
      (memory) throws(EngineError) in
      product.run(
        a: memory.inputs[0], b: memory.inputs[1], c: memory.outputs[0],
        addend: hasAddend ? UnsafeRawPointer(memory.inputs[2]) : nil, scratch: memory.scratch,
        pool: memory.pool)
    }
  }

  /// Distances of rows and columns of an addend that broadcasts to a matrix.
  private static func layout(_ shape: Shape) -> GemmPlan.Layout {
    let columns = shape.rank > 0 ? shape[shape.rank - 1] : 1
    let rows = shape.rank > 1 ? shape[shape.rank - 2] : 1
    return .init(row: rows == 1 ? 0 : columns, column: columns == 1 ? 0 : 1)
  }

  /// Integer products with factors: the plain product first, then one pass in float64.
  private func scaledIntegers(_ p: Preparation) throws(EngineError) -> Prepared {
    let plain = try Gemm(transA: transA, transB: transB).prepare(
      Preparation(
        inputs: Array(p.inputs.prefix(2)), outputs: p.outputs, constants: p.constants,
        options: p.options, store: p.store))
    let y = try p.output(0)
    let extra = p.has(2) && beta != 0 ? try p.input(2) : nil
    let layout = extra.map { Gemm.layout($0.shape) } ?? .init(row: 0, column: 0)
    func scaled<T: FixedWidthInteger & Element>(_: T.Type) -> Prepared {
      let (alpha, beta) = (Double(alpha), extra == nil ? 0 : Double(beta))
      let (rows, columns) = (y.shape[0], y.shape[1])
      return Prepared(scratchBytes: plain.scratchBytes, label: plain.label) {
        (memory) throws(EngineError) in
        try plain.run(memory)
        let out = memory.output(0, T.self)
        let addend = memory.input(2, T.self)
        for i in 0..<rows {
          for j in 0..<columns {
            var v = alpha * Double(out[i * columns + j])
            if beta != 0 { v += beta * Double(addend[i * layout.row + j * layout.column]) }
            out[i * columns + j] =
              T(exactly: v.rounded(.towardZero)) ?? (v > 0 ? .max : v < 0 ? .min : 0)
          }
        }
      }
    }
    switch y.dtype {
    case .int32: return scaled(Int32.self)
    case .uint32: return scaled(UInt32.self)
    case .int64: return scaled(Int64.self)
    case .uint64: return scaled(UInt64.self)
    default: throw p.noKernel()
    }
  }
}

extension Gemm {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (a, other, dy) = (try g.input(0), try g.input(1), try g.upstream())
    if g.needs(0) {
      // d(A') = dY B'^T, turned back where A came turned.
      g.give(
        0,
        transA
          ? try b.apply(Gemm(alpha: alpha, transA: transB, transB: true), other, dy)
          : try b.apply(Gemm(alpha: alpha, transB: !transB), dy, other))
    }
    if g.needs(1) {
      g.give(
        1,
        transB
          ? try b.apply(Gemm(alpha: alpha, transA: true, transB: transA), dy, a)
          : try b.apply(Gemm(alpha: alpha, transA: !transA), a, dy))
    }
    if g.needs(2) {
      let part = beta == 1 ? dy : try times(b, dy, Double(beta))
      g.give(2, try unbroadcast(b, part, like: g.input(2)))
    }
  }
}
