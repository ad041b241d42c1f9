import Graphs
import Kernels
import Tensors

/// The gradients of plain `Attention` by queries, keys and values: as many key heads as query heads,
/// no mask but the causal one, no past.
///
/// With `P = softmax(scale Q K^T)` and `G = dY V^T`: `dS = scale P (G - rowsum(P G))`,
/// `dQ = dS K`, `dK = dS^T Q`, `dV = P^T dY`.
///
/// - `Q` `[N, H, Sq, E]`, `K` `[N, H, Sk, E]`, `V` `[N, H, Sk, Ev]`, `dY` `[N, H, Sq, Ev]`: one float
///   dtype. Outputs: the gradients, of the shapes of Q, K and V.
/// - Attributes: `is_causal` and `scale` as there.
/// - Errors: `.shape` for operands that do not fit.
/// - Accuracy: as Attention; the same for any number of threads.
/// - Gradient: from the formula.
/// - Source: domain ai.dlrun 1.
public struct AttentionGradient: FormulaGradient {
  public let isCausal: Bool
  public let scale: Float?

  public static let schema = Schema(
    "AttentionGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("Q", .floats), Parameter("K", .floats), Parameter("V", .floats),
      Parameter("dY", .floats),
    ],
    outputs: [
      Parameter("dQ", .floats), .optional("dK", .floats), .optional("dV", .floats),
    ],
    attributes: [
      AttributeSpec("is_causal", .int, "1: a query sees no later key; default 0"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
    ], isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      return [
        .init(
          AttentionGradient(),
          [
            try wave([1, 2, 3, 4], 0), try wave([1, 2, 5, 4], 3), try wave([1, 2, 5, 2], 5),
            try wave([1, 2, 3, 2], 2),
          ], outputCount: 3),
        .init(
          AttentionGradient(isCausal: true, scale: 0.7),
          [
            try wave([2, 1, 3, 4], 1), try wave([2, 1, 3, 4], 3), try wave([2, 1, 3, 4], 6),
            try wave([2, 1, 3, 4], 8),
          ], outputCount: 3),
      ]
    })

  public init(isCausal: Bool = false, scale: Float? = nil) {
    self.isCausal = isCausal
    self.scale = scale
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    isCausal = try a.bool("is_causal", default: false)
    scale = a.has("scale") ? try a.float("scale") : nil
  }
  public var attributes: [Attribute] {
    (isCausal ? [.bool("is_causal", true)] : []) + (scale.map { [.float("scale", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for i in 0..<4 {
      if let rank = c.rank(i), rank != 4 {
        throw EngineError(
          .shape, "an operand has the wrong rank", expected: "4", received: "\(rank)")
      }
    }
    return (0..<3).map { Fact(c.dtype($0), c.dims($0)) }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (q, k, v, dy) = (
      try p.input(0).shape, try p.input(1).shape, try p.input(2).shape, try p.input(3).shape
    )
    let dtype = try p.input(0).dtype
    guard let element = GemmElement(dtype), dtype.isFloat else { throw p.noKernel() }
    for i in 1..<4 { guard try p.input(i).dtype == dtype else { throw p.noKernel() } }
    guard q.rank == 4, k.rank == 4, v.rank == 4, k[0] == q[0], k[1] == q[1], k[3] == q[3],
      v[0] == q[0], v[1] == q[1], v[2] == k[2], dy.array == [q[0], q[1], q[2], v[3]]
    else {
      throw EngineError(
        .shape, "the operands are not of one attention", received: "\(q), \(k), \(v) and \(dy)")
    }
    let kernel = AttentionGradientKernel(
      heads: q[0] * q[1], queries: q[2], keys: k[2], size: q[3], valueSize: v[3],
      isCausal: isCausal, scale: factor(q[3]), element: element, threads: p.options.threads)
    let wants = (p.wants(0), p.wants(1), p.wants(2))
    return Prepared(scratchBytes: kernel.scratchBytes, label: "attention gradient") { m in
      var o = AttentionGradientKernel.Operands(
        q: m.inputs[0], k: m.inputs[1], v: m.inputs[2], dy: m.inputs[3])
      if wants.0 { o.dq = m.outputs[0] }
      if wants.1 { o.dk = m.outputs[1] }
      if wants.2 { o.dv = m.outputs[2] }
      kernel.run(o, scratch: m.scratch, pool: m.pool)
    }
  }

  private func factor(_ size: Int) -> Double {
    scale.map { Double($0) } ?? 1 / Double(max(1, size)).squareRoot()
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let q = inputs[0], let k = inputs[1], let v = inputs[2], let dy = inputs[3] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let size = b.fact(of: q).dims?[3].known else {
      throw EngineError(.notDifferentiable, "the size of the heads is not known")
    }
    let factor = factor(size)
    var scores = try b.apply(MatMul(), times(b, q, factor), turned(b, k))
    if isCausal {
      let seen = try b.apply(
        LessOrEqual(), places(b, k, axis: 2), reshape(b, places(b, q, axis: 2), [-1, 1]))
      scores = try b.apply(Where(), seen, scores, scalar(b, -1e30, like: scores))
    }
    let weights = try b.apply(Softmax(), scores)
    let rises = try b.apply(MatMul(), dy, turned(b, v))
    let slopes = try times(
      b, times(b, weights, minus(b, rises, sum(b, times(b, weights, rises), [3]))), factor)
    let all = [
      try b.apply(MatMul(), slopes, k), try b.apply(MatMul(), turned(b, slopes), q),
      try b.apply(MatMul(), turned(b, weights), dy),
    ]
    return Few(Array(all.prefix(outputs)))
  }
}
