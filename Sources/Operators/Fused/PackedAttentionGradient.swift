import Graphs
import Kernels
import Tensors

/// The gradient of attention by the one product that holds its queries, keys and values.
///
/// - `X`: float dtypes `[N, S, 3 H E]`, the heads of Q, then those of K, then those of V; `dY`
///   `[N, S, H E]`, the gradient by the result.
/// - Attributes: `num_heads` H; `is_causal` and `scale` as those of AttentionGradient.
/// - Output: `dX`, of the shape of X.
/// - Errors: `.attribute`; `.shape` for a width that is no three times H heads, and for a dY that
///   does not fit.
/// - Accuracy: as AttentionGradient; the same for any number of threads.
/// - Gradient: from the formula.
/// - Source: domain ai.dlrun 1; Split, Transpose, AttentionGradient and Concat.
public struct PackedAttentionGradient: FormulaGradient {
  public let heads: Int
  public let isCausal: Bool
  public let scale: Float?

  public static let schema = Schema(
    "PackedAttentionGradient", domain: Fused.domain, versions: [1],
    inputs: [Parameter("X", .floats), Parameter("dY", .floats)],
    outputs: [Parameter("dX", .floats)],
    attributes: AttentionGradient.schema.attributes.map {
      AttributeSpec($0.name, $0.kind, $0.doc)
    } + [AttributeSpec("num_heads", .int, "heads of Q, K and V")],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape) throws -> Tensor {
        try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 7) % 13) * 0.2 - 1 })
      }
      return [
        .init(
          PackedAttentionGradient(heads: 2, isCausal: true),
          [try wave([2, 3, 12]), try wave([2, 3, 4])]),
        .init(
          PackedAttentionGradient(heads: 1, scale: 0.7),
          [try wave([1, 4, 9]), try wave([1, 4, 3])]),
      ]
    })

  public init(heads: Int, isCausal: Bool = false, scale: Float? = nil) {
    self.heads = heads
    self.isCausal = isCausal
    self.scale = scale
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    heads = try a.int("num_heads")
    guard heads >= 1 else {
      throw EngineError(
        .attribute, "attribute 'num_heads' is out of range", expected: "at least 1",
        received: "\(heads)")
    }
    isCausal = try a.bool("is_causal", default: false)
    scale = a.has("scale") ? try a.float("scale") : nil
  }
  public var attributes: [Attribute] {
    AttentionGradient(isCausal: isCausal, scale: scale).attributes + [.int("num_heads", heads)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for i in 0..<2 {
      if let rank = c.rank(i), rank != 3 {
        throw EngineError(
          .shape, "an operand has the wrong rank", expected: "3", received: "\(rank)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, dy) = (try p.input(0), try p.input(1))
    let (s, width) = (x.shape, dy.shape.rank == 3 ? dy.shape[2] : 0)
    guard let element = GemmElement(x.dtype), x.dtype.isFloat, dy.dtype == x.dtype else {
      throw p.noKernel()
    }
    guard s.rank == 3, dy.shape.array == [s[0], s[1], width], s[2] == 3 * width,
      width % heads == 0
    else {
      throw EngineError(
        .shape, "the operands are not of one attention",
        expected: "[N, S, 3 W] and [N, S, W], W of \(heads) heads",
        received: "\(s) and \(dy.shape)")
    }
    let size = width / heads
    func rows(_ width: Int) -> AttentionKernel.Layout {
      AttentionKernel.Layout(batch: s[1] * width, head: size, row: width)
    }
    let within = rows(3 * width)
    let kernel = AttentionGradientKernel(
      heads: s[0] * heads, queries: s[1], keys: s[1], size: size, valueSize: size,
      isCausal: isCausal,
      scale: scale.map { Double($0) } ?? 1 / Double(max(1, size)).squareRoot(), element: element,
      places: AttentionGradientKernel.Places(
        heads: heads, query: within, key: within, value: within, output: rows(width)),
      threads: p.options.threads)
    let step = width * x.dtype.byteSize
    return Prepared(scratchBytes: kernel.scratchBytes, label: "attention gradient packed") { m in
      let (from, to) = (m.inputs[0], m.outputs[0])
      var o = AttentionGradientKernel.Operands(
        q: from, k: from + step, v: from + 2 * step, dy: m.inputs[1])
      (o.dq, o.dk, o.dv) = (to, to + step, to + 2 * step)
      kernel.run(o, scratch: m.scratch, pool: m.pool)
    }
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let dy = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    func split(_ v: B.Value, _ count: Int) throws(EngineError) -> [B.Value] {
      // [N, S, count, H, E], then [count, N, H, S, E].
      let width = b.fact(of: v).dims.flatMap { $0.count == 3 ? $0[2].known : nil }
      let size = width.map { Int64($0 / (count * heads)) } ?? -1
      let shape = try b.constant(Tensor([0, 0, Int64(count), Int64(heads), size]))
      let parts = try b.apply(
        Transpose(perm: [2, 0, 3, 1, 4]), b.apply(Reshape(), v, shape))
      var list: [B.Value] = []
      for i in 0..<count {
        list.append(try b.apply(Gather(axis: 0), parts, b.constant(Tensor(scalar: Int64(i)))))
      }
      return list
    }
    let parts = try split(x, 3)
    let slopes = try AttentionGradient(isCausal: isCausal, scale: scale).formula(
      b, Few([parts[0], parts[1], parts[2], try split(dy, 1)[0]]), outputs: 3)
    let axis = try b.constant(Tensor([2] as [Int64]))
    var rows: [B.Value] = []
    for i in 0..<3 {
      // [N, S, 1, H, E]
      rows.append(
        try b.apply(
          Unsqueeze(), b.apply(Transpose(perm: [0, 2, 1, 3]), slopes[i]), axis))
    }
    let joined = try b.apply(Concat(axis: 2), inputs: rows.map { $0 }, outputs: 1)[0]
    let shape = try b.constant(Tensor([0, 0, -1] as [Int64]))
    return Few(try b.apply(Reshape(), joined, shape))
  }
}
