import Graphs
import Kernels
import Tensors

/// Attention over heads whose scores and probabilities pass through graphs of the model's own.
///
/// `Y = prob_mod(softmax(score_mod(Q K^T * scale))) V`.
///
/// - `Q` `[N, Hq, Sq, E]`, `K` `[N, Hkv, Sk, E]`, `V` `[N, Hkv, Sk, Ev]` of one float dtype; `Hq` a
///   multiple of `Hkv`: each key head serves `Hq / Hkv` neighbouring query heads.
/// - Attributes: `score_mod`, `prob_mod`: graphs of one input and one output, both
///   `[N, Hq, Sq, Sk]` of the softmax's dtype; without them nothing is changed. `scale`: default
///   `1 / sqrt(E)`. `softmax_precision`: the softmax's dtype, default float64 for float64 and
///   float32 for all else.
/// - Output: `[N, Hq, Sq, Ev]` of Q's dtype.
/// - Errors: `.shape`; `.attribute`; `.invalidModel` for a graph that does not keep shape and dtype;
///   `.unsupported` where graphs cannot run.
/// - Edges: a row of scores that are all -inf gives NaN, without graphs 0.
/// - Accuracy: products and sums in float32 at least; scores are rounded to the softmax's dtype
///   before a graph sees them.
/// - Cost: with graphs, all scores lie in memory.
/// - Source: ONNX ai.onnx.preview FlexAttention 1; PyTorch's flex_attention.
public struct FlexAttention: FormulaGradient {
  public let scoreMod: Subgraph?
  public let probMod: Subgraph?
  public let scale: Float?
  public let softmaxPrecision: DType?
  /// Whether `score_mod` stands before `prob_mod` among the node's attributes.
  public let scoreIsFirst: Bool

  public static let schema = Schema(
    "FlexAttention", domain: "ai.onnx.preview", versions: [1],
    inputs: [
      Parameter("Q", .floats, "T1"), Parameter("K", .floats, "T1"), Parameter("V", .floats, "T1"),
    ],
    outputs: [Parameter("Y", .floats, "T1")],
    attributes: [
      AttributeSpec("prob_mod", .graph, "changes the probabilities; default: nothing"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
      AttributeSpec("score_mod", .graph, "changes the scores; default: nothing"),
      AttributeSpec("softmax_precision", .int, "dtype of the softmax; default float32 or float64"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      let (q, k, v) = (
        try wave([2, 4, 3, 4], 0), try wave([2, 2, 5, 4], 3), try wave([2, 2, 5, 2], 5)
      )
      return [
        .init(FlexAttention(), [q, k, v]),
        .init(FlexAttention(scale: 0.7, softmaxPrecision: .float64), [q, k, v]),
      ]
    })

  public init(
    scoreMod: Graph? = nil, probMod: Graph? = nil, scale: Float? = nil,
    softmaxPrecision: DType? = nil
  ) {
    self.scoreMod = scoreMod.map { Subgraph($0) }
    self.probMod = probMod.map { Subgraph($0) }
    self.scale = scale
    self.softmaxPrecision = softmaxPrecision
    scoreIsFirst = true
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    func modifier(_ name: String) throws(EngineError) -> Subgraph? {
      guard a.has(name) else { return nil }
      let graph = try a.graph(name)
      guard graph.inputs.count == 1, graph.outputs.count == 1 else {
        throw EngineError(
          .invalidModel, "the graph '\(name)' has the wrong arity",
          expected: "one input and one output",
          received: "\(graph.inputs.count) and \(graph.outputs.count)")
      }
      return Subgraph(graph)
    }
    scoreMod = try modifier("score_mod")
    probMod = try modifier("prob_mod")
    scale = a.has("scale") ? try a.float("scale", default: 1) : nil
    scoreIsFirst = a.position(of: "score_mod") <= a.position(of: "prob_mod")
    let precision =
      a.has("softmax_precision") ? try a.dtype("softmax_precision", default: .float32) : nil
    guard precision.map({ DTypes.floats.contains($0) }) ?? true else {
      throw EngineError(
        .attribute, "attribute 'softmax_precision' is no float type", expected: "1, 10, 11 or 16",
        received: precision.map { "\($0)" })
    }
    softmaxPrecision = precision
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if let scoreMod { list.append(.graph("score_mod", scoreMod.graph)) }
    if let probMod {
      list.insert(.graph("prob_mod", probMod.graph), at: scoreIsFirst ? list.count : 0)
    }
    if let scale { list.append(.float("scale", scale)) }
    if let softmaxPrecision { list.append(.dtype("softmax_precision", softmaxPrecision)) }
    return list
  }

  func softmaxType(_ dtype: DType) -> DType {
    softmaxPrecision ?? (dtype == .float64 ? .float64 : .float32)
  }

  /// The parts of the captured values that belong to the graphs.
  func split<T>(_ captured: [T]) -> (score: [T], prob: [T]) {
    let n = (scoreIsFirst ? scoreMod : probMod)?.graph.captures.count ?? 0
    let (first, second) = (Array(captured.prefix(n)), Array(captured.dropFirst(n)))
    return scoreIsFirst ? (first, second) : (second, first)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, name) in ["Q", "K", "V"].enumerated() {
      if let dims = c.dims(i), dims.count != 4 {
        throw EngineError(
          .shape, "\(name) has the wrong rank", expected: "4", received: "shape \(dims)")
      }
    }
    let (q, k, v) = (c.dims(0), c.dims(1), c.dims(2))
    func agree(_ what: String, _ a: Dim?, _ b: Dim?) throws(EngineError) {
      if let n = a?.known, let m = b?.known, n != m {
        throw EngineError(
          .shape, "the operands differ in their \(what)", expected: "\(n)", received: "\(m)")
      }
    }
    try agree("batch", q?[0], k?[0])
    try agree("batch", q?[0], v?[0])
    try agree("key heads", k?[1], v?[1])
    try agree("keys", k?[2], v?[2])
    try agree("head size", q?[3], k?[3])
    if let n = q?[1].known, let m = k?[1].known ?? v?[1].known, m == 0 || n % m != 0 {
      throw EngineError(
        .shape, "query heads are no multiple of key heads", expected: "a multiple of \(m)",
        received: "\(n)")
    }
    let dtype = c.dtype(0)
    let batch = q?[0] ?? k?[0] ?? v?[0] ?? c.unknown()
    let (heads, queries) = (q?[1] ?? c.unknown(), q?[2] ?? c.unknown())
    let scores = Fact(
      dtype.map { softmaxType($0) }, [batch, heads, queries, k?[2] ?? v?[2] ?? c.unknown()])
    let captured = split(c.captured)
    for (name, mod, captured) in [
      ("score_mod", scoreMod, captured.score), ("prob_mod", probMod, captured.prob),
    ] {
      guard let mod else { continue }
      let result = try c.subgraph(mod.graph, [scores], captured.map { contentsForgotten($0) })
      if let got = result.first?.tensorType, let want = scores.tensorType, got != want {
        throw FlexAttention.changed(name, got, want)
      }
    }
    return [Fact(dtype, [batch, heads, queries, v?[3] ?? c.unknown()])]
  }

  private static func changed(_ name: String, _ got: TensorType, _ want: TensorType) -> EngineError
  {
    EngineError(
      .invalidModel, "the graph '\(name)' does not keep its input's type", expected: "\(want)",
      received: "\(got)")
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let q = inputs[0], let k = inputs[1], let y = outputs[0], q.count == 4, k.count == 4,
      y.count == 4
    else { return nil }
    return q[0] * q[1] * q[2] * k[2] * (q[3] + y[3])
  }

  /// Without graphs this is attention as it always was.
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let dtype = try p.input(0).dtype
    let isPlain = scoreMod == nil && probMod == nil
    guard isPlain, softmaxType(dtype) != .float64 || dtype == .float64 else { return .dynamic }
    var options = Attention.Options()
    options.scale = scale
    return try Attention(options).prepare(p)
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (q, k, v) = (try e.tensor(0), try e.tensor(1), try e.tensor(2))
    let type = softmaxType(q.dtype)
    // Products of halves are summed in float32.
    let wide: DType = type == .float64 || q.dtype == .float64 ? .float64 : .float32
    func cast(_ t: Tensor, _ to: DType) throws(EngineError) -> Tensor {
      t.dtype == to ? t : try run(e, Cast(to: to), t)
    }
    // The query heads of a key head follow each other: together they are rows of one product.
    let (a, b) = (q.shape, k.shape)
    guard a.rank == 4, b.rank == 4, v.shape.rank == 4, b[1] > 0 else {
      throw EngineError(.shape, "the operands have the wrong rank or no heads")
    }
    let rows = a[1] / b[1] * a[2]
    let factor = scale.map { Double($0) } ?? 1 / Double(max(1, a[3])).squareRoot()
    let scaling = try cast(try Tensor(scalar: factor), wide)
    let left = try run(
      e, Mul(), try cast(q, wide).reshaped([a[0], b[1], rows, a[3]]), scaling)
    let right = try run(e, Transpose(perm: [0, 1, 3, 2]), try cast(k, wide))
    let shape: Shape = [a[0], a[1], a[2], b[2]]
    let captured = split(e.captured)
    var scores = try cast(try run(e, MatMul(), left, right).reshaped(shape), type)
    scores = try modified(e, "score_mod", scoreMod, scores, captured.score)
    var probs = try run(e, Softmax(SoftmaxAxis(-1)), scores)
    probs = try modified(e, "prob_mod", probMod, probs, captured.prob)
    let y = try run(
      e, MatMul(), try cast(probs, wide).reshaped([a[0], b[1], rows, b[2]]), try cast(v, wide))
    return [.tensor(try cast(try y.reshaped([a[0], a[1], a[2], v.shape[3]]), q.dtype))]
  }

  private func run(
    _ e: Evaluation, _ op: any Operator, _ inputs: Tensor...
  ) throws(EngineError) -> Tensor {
    guard let y = try e.run(op, inputs.map { .tensor($0) }).first ?? nil else {
      throw EngineError(.internalDefect, "an operator gave no result")
    }
    return try y.asTensor()
  }

  private func modified(
    _ e: Evaluation, _ name: String, _ graph: Subgraph?, _ x: Tensor, _ captured: [Value?]
  ) throws(EngineError) -> Tensor {
    guard let graph else { return x }
    guard let runner = e.runner else {
      throw EngineError(.unsupported, "a graph cannot run here")
    }
    let results = try runner.run(graph, inputs: [.tensor(x)], captured: captured)
    guard results.count == 1, let y = try results[0]?.asTensor() else {
      throw EngineError(.invalidModel, "the graph '\(name)' gave no result")
    }
    guard y.type == x.type else { throw FlexAttention.changed(name, y.type, x.type) }
    return y
  }
}
