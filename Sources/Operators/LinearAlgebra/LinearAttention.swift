import Graphs
import Kernels
import Tensors

/// Attention without a softmax: a recurrent state a head, updated and read token by token.
///
/// `S_t = exp(g_t) S_(t-1) + k_t w_t^T`, `o_t = scale * S_t^T q_t`, with `w_t = v_t`, or for the
/// delta rules `w_t = beta_t (v_t - exp(g_t) S_(t-1)^T k_t)`.
///
/// - `query` `[B, T, Hq * dk]`, `key` `[B, T, Hkv * dk]`, `value` `[B, T, Hkv * dv]`: float16,
///   bfloat16 or float32. `past_state` (optional): `[B, Hkv, dk, dv]` of any of these dtypes,
///   zeros by default. `decay`: `g`, `[B, T, Hkv * dk]` or `[B, T, Hkv]`; given for rules 'gated'
///   and 'gated_delta' and no others. `beta`: `[B, T, Hkv]` or `[B, T, 1]`; given for 'delta' and
///   'gated_delta' and no others.
/// - Attributes: `update_rule`: linear, gated, delta or gated_delta (default); `q_num_heads`, a
///   multiple of `kv_num_heads`: each key head serves neighbouring query heads; `scale`, default 0
///   for `1 / sqrt(dk)`; `chunk_size`, a hint that changes nothing.
/// - Outputs: `[B, T, Hq * dv]`, and the last state in the dtype of `past_state`, or of `query`.
/// - Errors: `.attribute`, `.arity` for a missing or forbidden input, `.shape`.
/// - Accuracy: the state is held in float32, sums over `dk` in float32. The same for any number of
///   threads.
/// - Cost: `B T dk dv (Hq + 2 Hkv)` multiply-adds for the delta rules.
/// - Source: ONNX LinearAttention 27.
public struct LinearAttention: FormulaGradient {
  public enum Rule: String, Sendable, CaseIterable {
    case linear, gated, delta
    case gatedDelta = "gated_delta"
    var decays: Bool { self == .gated || self == .gatedDelta }
    var corrects: Bool { self == .delta || self == .gatedDelta }
  }
  public let rule: Rule
  public let queryHeads: Int
  public let keyHeads: Int
  /// 0: derived from the size of a head.
  public let scale: Float
  public let chunkSize: Int

  private static let types = DTypes(.float16, .bfloat16, .float32)

  public static let schema = Schema(
    "LinearAttention", versions: [27],
    inputs: [
      Parameter("query", types), Parameter("key", types), Parameter("value", types),
      .optional("past_state", types, "S"), .optional("decay", types), .optional("beta", types),
    ],
    outputs: [Parameter("output", types), Parameter("present_state", types, "S")],
    attributes: [
      AttributeSpec("chunk_size", .int, "a hint without effect; default 64"),
      AttributeSpec("kv_num_heads", .int, "heads of key and value, from 1; required"),
      AttributeSpec("q_num_heads", .int, "heads of query, a multiple of kv_num_heads; required"),
      AttributeSpec("scale", .float, "factor of the output; default 0: 1 / sqrt(head size)"),
      AttributeSpec("update_rule", .string, "linear, gated, delta, gated_delta (default)"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int, _ low: Float = -1) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.15 + low })
      }
      let (q, k, v) = (try wave([2, 3, 8], 0), try wave([2, 3, 4], 2), try wave([2, 3, 6], 5))
      let state = try wave([2, 2, 2, 3], 4)
      let (rate, decay) = (try wave([2, 3, 2], 1, 0), try wave([2, 3, 4], 7, -2))
      return [
        .init(LinearAttention(.linear, queryHeads: 4, keyHeads: 2), [q, k, v], outputCount: 2),
        .init(
          LinearAttention(.gated, queryHeads: 4, keyHeads: 2, scale: 0.5),
          [q, k, v, state, decay], outputCount: 2),
        .init(
          LinearAttention(.gatedDelta, queryHeads: 4, keyHeads: 2),
          [q, k, v, state, decay, rate], outputCount: 2),
      ]
    })

  public init(
    _ rule: Rule = .gatedDelta, queryHeads: Int, keyHeads: Int, scale: Float = 0,
    chunkSize: Int = 64
  ) {
    self.rule = rule
    self.queryHeads = queryHeads
    self.keyHeads = keyHeads
    self.scale = scale
    self.chunkSize = chunkSize
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "update_rule", default: "gated_delta", oneOf: Rule.allCases.map(\.rawValue))
    rule = Rule(rawValue: name) ?? .gatedDelta
    queryHeads = try a.int("q_num_heads")
    keyHeads = try a.int("kv_num_heads")
    scale = try a.float("scale", default: 0)
    chunkSize = try a.int("chunk_size", default: 64)
    guard keyHeads >= 1, queryHeads >= 1, queryHeads <= Int(Int32.max), queryHeads % keyHeads == 0
    else {
      throw EngineError(
        .attribute, "q_num_heads is no multiple of kv_num_heads",
        expected: "a positive multiple of \(keyHeads)", received: "\(queryHeads)")
    }
  }

  public var attributes: [Attribute] {
    [
      .int("chunk_size", chunkSize), .int("kv_num_heads", keyHeads),
      .int("q_num_heads", queryHeads), .float("scale", scale),
      .string("update_rule", rule.rawValue),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, name, isNeeded) in [(4, "decay", rule.decays), (5, "beta", rule.corrects)]
    where c.has(i) != isNeeded {
      throw EngineError(
        .arity, "input \(name) and the update rule do not go together",
        expected: isNeeded ? "\(name) for '\(rule.rawValue)'" : "none for '\(rule.rawValue)'",
        received: isNeeded ? "none" : name)
    }
    let keySize = try headSize(c.dims(0), queryHeads, "query")
    let ownSize = try headSize(c.dims(1), keyHeads, "key")
    let valueSize = try headSize(c.dims(2), keyHeads, "value")
    let first = c.dims(0) ?? c.dims(1) ?? c.dims(2)
    let batch = first?[0] ?? c.unknown()
    let tokens = first?[1] ?? c.unknown()
    let dk = keySize ?? ownSize ?? c.unknown()
    let dv = valueSize ?? c.unknown()
    let state = [batch, Dim(keyHeads), dk, dv]
    try expect("key", c.dims(1), [batch, tokens, Dim(keyHeads) * dk])
    try expect("value", c.dims(2), [batch, tokens, Dim(keyHeads) * dv])
    try expect("past_state", c.dims(3), state)
    if let last = c.dims(4)?.last?.known, last != keyHeads {
      try expect("decay", c.dims(4), [batch, tokens, Dim(keyHeads) * dk])
    } else {
      try expect("decay", c.dims(4), [batch, tokens, c.dims(4)?.last ?? 1])
    }
    let isShared = c.dims(5)?.last?.known == 1
    try expect("beta", c.dims(5), [batch, tokens, isShared ? 1 : Dim(keyHeads)])
    return [
      Fact(c.dtype(0), [batch, tokens, Dim(queryHeads) * dv]),
      Fact(c.has(3) ? c.dtype(3) : c.dtype(0), state),
    ]
  }

  private func headSize(
    _ dims: [Dim]?, _ heads: Int, _ name: String
  ) throws(EngineError) -> Dim? {
    guard let dims else { return nil }
    guard dims.count == 3, dims[2].known.map({ $0 % heads == 0 }) ?? true else {
      throw EngineError(
        .shape, "\(name) does not divide into heads", expected: "[B, T, \(heads) * size]",
        received: "\(dims)")
    }
    return dims[2] / Dim(heads)
  }

  private func expect(_ name: String, _ dims: [Dim]?, _ want: [Dim]) throws(EngineError) {
    guard let dims else { return }
    let fits =
      dims.count == want.count
      && zip(dims, want).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
    guard fits else {
      throw EngineError(.shape, "\(name) does not fit", expected: "\(want)", received: "\(dims)")
    }
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let q = inputs[0], let v = inputs[2], q.count == 3, v.count == 3 else { return nil }
    let passes = queryHeads + keyHeads * (rule.corrects ? 2 : 1)
    return q[0] * q[1] * (q[2] / Dim(queryHeads)) * (v[2] / Dim(keyHeads)) * Dim(passes)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (q, v) = (try p.input(0), try p.input(2))
    guard p.inputs.allSatisfy({ $0 == nil || $0?.dtype == .float32 }) else { throw p.noKernel() }
    var s = LinearAttentionKernel.Sizes()
    s.batch = q.shape[0]
    s.tokens = q.shape[1]
    s.queryHeads = queryHeads
    s.keyHeads = keyHeads
    s.keySize = q.shape[2] / queryHeads
    s.valueSize = v.shape[2] / keyHeads
    let isPerHead = rule.decays ? try p.input(4).shape[2] == keyHeads : false
    let isShared = rule.corrects ? try p.input(5).shape[2] != keyHeads : false
    let kernel = LinearAttentionKernel(
      sizes: s, decay: !rule.decays ? .none : isPerHead ? .perHead : .perRow,
      rate: !rule.corrects ? .none : isShared ? .shared : .perHead,
      scale: scale != 0 ? scale : Float(1 / Double(max(1, s.keySize)).squareRoot()))
    let (hasPast, wantsOutput, wantsState) = (p.has(3), p.wants(0), p.wants(1))
    let outputCount = wantsOutput ? 0 : s.batch * s.tokens * queryHeads * s.valueSize
    let stateCount = wantsState ? 0 : s.batch * keyHeads * s.keySize * s.valueSize
    let own = kernel.scratchCount
    return Prepared(
      scratchBytes: (own + outputCount + stateCount) * 4, label: "linear attention"
    ) { m in
      let scratch = m.scratch.assumingMemoryBound(to: Float.self)
      kernel.run(
        .init(
          query: m.input(0), key: m.input(1), value: m.input(2), decay: m.input(4),
          rate: m.input(5), past: hasPast ? m.input(3) : nil,
          output: wantsOutput ? m.output(0) : scratch + own,
          state: wantsState ? m.output(1) : scratch + own + outputCount),
        scratch: scratch, pool: m.pool)
    }
  }
}
