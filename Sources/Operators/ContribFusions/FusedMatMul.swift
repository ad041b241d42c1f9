import Graphs
import Kernels
import Tensors

/// The matrix product with optional transposes: `Y = alpha A' B'` over the last two axes.
///
/// - `A`, `B`: one floating type, shapes as MatMul takes them once they are transposed.
/// - `transA`, `transB` (default 0): the last two axes are swapped; vectors stay.
///   `transBatchA`, `transBatchB` (default 0): before that, the first axis is moved behind the
///   leading ones: `[M, ..., K]` counts as `[..., M, K]`.
/// - `alpha`: factor, default 1.
/// - Errors, edges, accuracy: as MatMul.
/// - Cost: a constant B without leading axes is packed once; nothing is transposed in memory.
/// - Source: com.microsoft FusedMatMul 1.
public struct FusedMatMul: FormulaGradient {
  public let alpha: Float
  public let a: MatrixView
  public let b: MatrixView

  static let specs = [
    AttributeSpec("alpha", .float, "factor of the product; default 1"),
    AttributeSpec("transA", .int, "1: the last two axes of A are swapped; default 0"),
    AttributeSpec("transB", .int, "1: the last two axes of B are swapped; default 0"),
    AttributeSpec("transBatchA", .int, "1: A is [M, ..., K]; default 0"),
    AttributeSpec("transBatchB", .int, "1: B is [K, ..., N]; default 0"),
  ]

  public static let schema = Schema(
    "FusedMatMul", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("A", .floats), Parameter("B", .floats)], outputs: [Parameter("Y", .floats)],
    attributes: specs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let stack = try Tensor(shape: [2, 3, 2, 2], (0..<24).map { Float($0 * 7 % 24) / 4 - 2 })
      return [
        .init(FusedMatMul(alpha: 0.5, b: .init(isTransposed: true)), [x, x]),
        .init(FusedMatMul(a: .init(isTransposed: true)), [stack, stack]),
        .init(
          FusedMatMul(a: .init(isBatchLast: true), b: .init(isBatchLast: true)), [stack, stack]),
        .init(
          FusedMatMul(
            a: .init(isTransposed: true, isBatchLast: true),
            b: .init(isTransposed: true, isBatchLast: true)), [stack, stack]),
        .init(FusedMatMul(a: .init(isTransposed: true)), [x, try Tensor([1, 2] as [Float])]),
      ]
    })

  public init(alpha: Float = 1, a: MatrixView = .init(), b: MatrixView = .init()) {
    self.alpha = alpha
    self.a = a
    self.b = b
  }
  public init(reading r: AttributeReader) throws(EngineError) {
    alpha = try r.float("alpha", default: 1)
    a = MatrixView(
      isTransposed: try r.bool("transA", default: false),
      isBatchLast: try r.bool("transBatchA", default: false))
    b = MatrixView(
      isTransposed: try r.bool("transB", default: false),
      isBatchLast: try r.bool("transBatchB", default: false))
  }
  public var attributes: [Attribute] {
    [
      .float("alpha", alpha), .bool("transA", a.isTransposed), .bool("transB", b.isTransposed),
      .bool("transBatchA", a.isBatchLast), .bool("transBatchB", b.isBatchLast),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let left = Fact(c.dtype(0), c.dims(0).map { a.dims($0) })
    let right = Fact(c.dtype(1), c.dims(1).map { b.dims($0) })
    return try MatMul().infer(Inference(inputs: [left, right]))
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    MatMul().multiplyAdds(
      inputs: [inputs[0].map { a.dims($0) }, inputs[1].map { b.dims($0) }], outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard w.dtype == x.dtype, y.dtype == x.dtype, GemmElement(x.dtype) != nil else {
      throw p.noKernel()
    }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let left = a.layout(x.shape, vectorIsRow: true)
    let right = b.layout(w.shape, vectorIsRow: false)
    var epilogue = GemmPlan.Epilogue()
    epilogue.alpha = Double(alpha)
    let (n, k) = (right.columns, left.columns)
    var m = left.rows
    var offsets: ([Int], [Int]) = ([0], [0])
    var packed: PackedMatrix?
    if right.batches == 1 {
      if let constant = p.constant(1), constant.type == w {
        packed = try p.packedFactor(
          .right, count: n, k: k, constant, across: right.matrix.column, along: right.matrix.row)
      }
      if left.isContiguous {
        // One B for all: the rows of every A are rows of one matrix.
        m *= left.batches
      } else {
        offsets = (
          (0..<left.batches).map { $0 * left.step }, Array(repeating: 0, count: left.batches)
        )
      }
    } else {
      let (i, j) = MatMul.offsets(left.shape, right.shape, y.shape, (1, 1))
      offsets = (i.map { $0 * left.step }, j.map { $0 * right.step })
    }
    let product = MatrixProduct(
      x.dtype, counts: (x.count, packed == nil ? w.count : 0, y.count, 0), aOffsets: offsets.0,
      bOffsets: offsets.1, threads: p.options.threads
    ) {
      GemmPlan(
        m: m, n: n, k: k, element: $0, a: left.matrix, b: right.matrix, packedB: packed,
        epilogue: epilogue, threads: $1)
    }
    guard let product else { throw p.noKernel() }
    return Prepared(scratchBytes: product.scratchBytes, label: product.label) {
      (memory) throws(EngineError) in
      product.run(
        a: memory.inputs[0], b: memory.inputs[1], c: memory.outputs[0], scratch: memory.scratch,
        pool: memory.pool)
    }
  }
}

extension FusedMatMul {
  public func formula<B: Builder>(
    _ builder: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let left = inputs[0], let right = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let product = try builder.apply(
      MatMul(), a.matrices(builder, left), b.matrices(builder, right))
    return Few(try alpha == 1 ? product : times(builder, product, Double(alpha)))
  }
}
