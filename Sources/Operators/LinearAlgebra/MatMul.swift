import Graphs
import Kernels
import Tensors

/// The matrix product as NumPy's `matmul` defines it: `Y = A B` over the last two axes.
///
/// - `A`: `[..., M, K]` or `[K]`; `B`: `[..., K, N]` or `[K]`; both of one floating type, or
///   integers of 32 or 64 bits. Leading axes broadcast. A vector becomes a matrix of one row (A)
///   or one column (B), and that axis is left out of the result.
/// - Errors: `.shape` for scalars, for lengths K that differ and leading axes that do not
///   broadcast.
/// - Edges: `K = 0` gives zeros. Integers wrap.
/// - Accuracy: sums in the order of K, in float32 for types up to 32 bits, in float64 for float64.
///   The same for any number of threads.
/// - Gradient: `dA = dY B^T`, `dB = A^T dY`, summed over broadcast axes.
/// - Cost: a constant B without leading axes is packed once.
/// - Source: ONNX MatMul 1, 9, 13.
public struct MatMul: Operator {
  public static let types: DTypes = [
    .floats, DTypes(.int32, .int64, .uint32, .uint64),
  ]
  public static let schema = Schema(
    "MatMul", versions: [1, 9, 13],
    inputs: [Parameter("A", types), Parameter("B", types)], outputs: [Parameter("Y", types)],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let b = try Tensor(shape: [3, 2], [1, 2, -0.5, 0.75, 1.25, -1.5] as [Float])
      let stack = try Tensor(shape: [2, 2, 3], (0..<12).map { Float($0) / 4 - 1 })
      return [
        .init(MatMul(), [a, b]), .init(MatMul(), [stack, b]),
        .init(MatMul(), [stack, try Tensor(shape: [2, 3, 1], (0..<6).map { 1 - Float($0) / 3 })]),
        .init(MatMul(), [try Tensor([1, 2, 3] as [Float]), b]),
        .init(MatMul(), [stack, try Tensor([1, -2, 3] as [Float])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    if c.rank(0) == 0 || c.rank(1) == 0 {
      throw EngineError(.shape, "a factor is a scalar", expected: "vectors or matrices")
    }
    guard let a = c.dims(0), let b = c.dims(1), let ka = a.last, let n = b.last else {
      return [Fact(dtype, nil)]
    }
    let kb = b.count == 1 ? n : b[b.count - 2]
    if let x = ka.known, let y = kb.known, x != y {
      throw EngineError(
        .shape, "the factors do not fit together",
        expected: "\(x) rows of B, as A \(a) has columns",
        received: "\(y) in \(b)")
    }
    var dims = try broadcast(Array(a.dropLast(2)), Array(b.dropLast(2))) ?? []
    if a.count > 1 { dims.append(a[a.count - 2]) }
    if b.count > 1 { dims.append(n) }
    return [Fact(dtype, dims)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let k = inputs[0]?.last, let y = outputs[0] else { return nil }
    return y.product * k
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, b, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard b.dtype == a.dtype, y.dtype == a.dtype, GemmElement(a.dtype) != nil else {
      throw p.noKernel()
    }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let (ra, rb) = (a.shape.rank, b.shape.rank)
    let k = a.shape[ra - 1]
    var m = ra > 1 ? a.shape[ra - 2] : 1
    let n = rb > 1 ? b.shape[rb - 1] : 1
    let batchB = b.shape.count(of: 0..<max(0, rb - 2))
    var aOffsets = [0]
    var bOffsets = [0]
    var packed: PackedMatrix?
    if batchB == 1 {
      // One B for all: the rows of every A are rows of one matrix.
      m *= a.shape.count(of: 0..<max(0, ra - 2))
      if let constant = p.constant(1), constant.type == b {
        packed = try p.packedFactor(.right, count: n, k: k, constant, across: 1, along: n)
      }
    } else {
      (aOffsets, bOffsets) = MatMul.offsets(a.shape, b.shape, y.shape, (m * k, k * n))
    }
    let product = MatrixProduct(
      a.dtype, counts: (a.count, packed == nil ? b.count : 0, y.count, 0), aOffsets: aOffsets,
      bOffsets: bOffsets, threads: p.options.threads
    ) { GemmPlan(m: m, n: n, k: k, element: $0, packedB: packed, threads: $1) }
    guard let product else { throw p.noKernel() }
    return Prepared(scratchBytes: product.scratchBytes, label: product.label) {
      (memory) throws(EngineError) in
      product.run(
        a: memory.inputs[0], b: memory.inputs[1], c: memory.outputs[0], scratch: memory.scratch,
        pool: memory.pool)
    }
  }

  /// Where the matrices of A and B lie for each matrix of the result.
  static func offsets(
    _ a: Shape, _ b: Shape, _ y: Shape, _ sizes: (Int, Int)
  ) -> ([Int], [Int]) {
    let (la, lb) = (max(0, a.rank - 2), max(0, b.rank - 2))
    let axes = max(la, lb)
    var aOffsets = [0]
    var bOffsets = [0]
    var (stepA, stepB) = (sizes.0, sizes.1)
    // From the last leading axis outwards: what is there so far is repeated along each.
    for axis in stride(from: axes - 1, through: 0, by: -1) {
      let (i, j) = (axis - (axes - la), axis - (axes - lb))
      let (na, nb) = (i >= 0 ? a[i] : 1, j >= 0 ? b[j] : 1)
      let count = y[axis]
      (aOffsets, bOffsets) = (
        (0..<count).flatMap { t in aOffsets.map { $0 + (na == 1 ? 0 : t * stepA) } },
        (0..<count).flatMap { t in bOffsets.map { $0 + (nb == 1 ? 0 : t * stepB) } }
      )
      stepA *= na
      stepB *= nb
    }
    return (aOffsets, bOffsets)
  }
}

extension MatMul {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (a, other, dy) = (try g.input(0), try g.input(1), try g.upstream())
    let (ra, rb) = (try knownRank(b, a), try knownRank(b, other))
    if rb == 2 {
      // One matrix for all rows of A: everything is one product of matrices.
      let rows = try ra == 2 ? dy : flat(b, dy, width: other, axis: 1)
      if g.needs(0) {
        g.give(0, try reshape(b, b.apply(Gemm(transB: true), rows, other), like: a))
      }
      if g.needs(1) {
        let left = try ra == 2 ? a : flat(b, a, width: other, axis: 0)
        g.give(1, try b.apply(Gemm(transA: true), left, rows))
      }
      return
    }
    // Vectors as the matrices they stand for.
    let left = try ra == 1 ? b.apply(Unsqueeze(axes: [0]), a) : a
    let right = try rb == 1 ? b.apply(Unsqueeze(axes: [1]), other) : other
    var up = dy
    if rb == 1 { up = try b.apply(Unsqueeze(axes: [-1]), up) }
    if ra == 1 { up = try b.apply(Unsqueeze(axes: [-2]), up) }
    if g.needs(0) {
      let part = try b.apply(MatMul(), up, turned(b, right))
      g.give(0, try reshape(b, unbroadcast(b, part, like: left), like: a))
    }
    if g.needs(1) {
      let part = try b.apply(MatMul(), turned(b, left), up)
      g.give(1, try reshape(b, unbroadcast(b, part, like: right), like: other))
    }
  }

  /// `x` as rows as wide as axis `axis` of the matrix `width` is long.
  private func flat<B: Builder>(
    _ b: B, _ x: B.Value, width: B.Value, axis: Int
  ) throws(EngineError) -> B.Value {
    if let n = b.fact(of: width).dims?[axis].known, n > 0 { return try reshape(b, x, [-1, n]) }
    if let n = b.fact(of: width).dims?[axis].known, n == 0 {
      let rows = b.fact(of: x).dims?.dropLast().product.known ?? 0
      return try b.apply(
        Reshape(allowZero: true), x, b.constant(Tensor([Int64(rows), 0])))
    }
    let open = try b.constant(Tensor([-1] as [Int64]))
    return try b.apply(
      Reshape(), x, b.apply(Concat(axis: 0), inputs: [open, try size(b, width, axis)]))
  }
}
