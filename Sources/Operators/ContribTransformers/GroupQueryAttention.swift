import Graphs
import Kernels
import Tensors

/// Causal attention with a cache of keys and values, each key head serving several query heads.
///
/// - `query`: float16, bfloat16 or float32 `[N, S, H * E]` with `key` and `value` `[N, S, G * E]`,
///   or all three packed, `[N, S, (H + 2 G) * E]`; `past_key`, `past_value` (optional):
///   `[N, G, P, E]`, perhaps with room behind what is valid; `seqlens_k`: int32 `[N]`, one less
///   than the valid keys of each sequence with the new ones; `total_sequence_length` T: int32, the
///   largest of these lengths, which tells a first prompt (`T = S`); `cos_cache`, `sin_cache`:
///   `[M, R / 2]`; `position_ids`: int64 `[N, S]`, of which a first prompt uses the first element;
///   `attention_bias`: `[1 or N, 1 or H, S, T]`; `head_sink`: `[H]`, one more score in each
///   softmax, without a value; `q_norm_weight`, `k_norm_weight`: `[E]`, heads brought to unit mean
///   square first; `query_seqlens`: int32 `[N]`, how many of the S tokens are no padding.
/// - New tokens follow the last `min(S, length)` valid ones: they are put in the cache, and query i
///   sees the keys up to its own.
/// - Attributes: `num_heads` H, `kv_num_heads` G, required; `do_rotary`, `rotary_interleaved`;
///   `causal` default 1; `local_window_size` W: a query sees its own and the W - 1 keys before,
///   default -1: all; `scale` default `1 / sqrt(E)`; `softcap`; `smooth_softmax` 1: a sink of 0;
///   `qk_output` 1: scores, 2: probabilities; `q_norm_epsilon`, `k_norm_epsilon`,
///   `qk_norm_epsilon` default 1e-6; `sliding_window_cache` 1: the cache keeps the last keys only,
///   at least W of them.
/// - Outputs: `output` `[N, S, H * E]`; `present_key`, `present_value` `[N, G, max(P, T), E]`: the
///   past with the new rows, zeros behind both; `output_qk` `[N, H, S, T]`, 0 for hidden keys.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.arity`; `.value` for lengths
///   that the cache cannot hold and positions outside the rotary caches, when running;
///   `.unsupported` for quantised caches, and for a bias or scores beside a sliding cache.
/// - Edges: what is computed for rows of padding means nothing.
/// - Source: ONNX Runtime's GroupQueryAttention of domain com.microsoft, version 1.
public struct GroupQueryAttention: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public var heads: Int
    public var keyHeads: Int
    public var isRotary = false
    public var isInterleaved = false
    public var isCausal = true
    public var window = -1
    public var scale: Float?
    public var softcap: Float = 0
    public var isSmooth = false
    public var scoreOutput = 0
    public var epsilons: [Float] = [1e-6, 1e-6]
    public var slides = false
    public init(heads: Int, keyHeads: Int) {
      self.heads = heads
      self.keyHeads = keyHeads
    }
  }
  public let options: Options

  static let types = DTypes(.float32, .float16, .bfloat16)
  static let lengths = DTypes(.int32)
  public static let schema = Schema(
    "GroupQueryAttention", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("query", types), .optional("key", types), .optional("value", types),
      .optional("past_key", types), .optional("past_value", types),
      Parameter("seqlens_k", lengths, "M"),
      Parameter("total_sequence_length", lengths, "M", shape: true),
      .optional("cos_cache", types), .optional("sin_cache", types),
      .optional("position_ids", .int64, ""), .optional("attention_bias", types),
      .optional("head_sink", types), .optional("k_scale", DTypes(.float32), "S"),
      .optional("v_scale", DTypes(.float32), "S"), .optional("q_norm_weight", types),
      .optional("k_norm_weight", types), .optional("query_seqlens", lengths, "M"),
    ],
    outputs: [
      Parameter("output", types), .optional("present_key", types),
      .optional("present_value", types), .optional("output_qk", types),
    ],
    attributes: [
      AttributeSpec("causal", .int, "0: queries see later keys too; default 1"),
      AttributeSpec("do_rotary", .int, "1: queries and new keys are turned; default 0"),
      AttributeSpec("k_norm_epsilon", .float, "epsilon of the norm of keys"),
      AttributeSpec("k_quant_type", .string, "must be NONE"),
      AttributeSpec("kv_cache_bit_width", .int, "of quantised caches; must be absent or 0"),
      AttributeSpec("kv_num_heads", .int, "heads of keys and values; required"),
      AttributeSpec("local_window_size", .int, "keys that a query sees; default -1: all"),
      AttributeSpec("num_heads", .int, "heads of queries; required"),
      AttributeSpec("q_norm_epsilon", .float, "epsilon of the norm of queries"),
      AttributeSpec("qk_norm_epsilon", .float, "epsilon of both norms; default 1e-6"),
      AttributeSpec("qk_output", .int, "1: scores, 2: probabilities are put out; default 0"),
      AttributeSpec("rotary_interleaved", .int, "1: pairs are neighbours; default 0: halves"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
      AttributeSpec("sliding_window_cache", .int, "1: the cache drops old keys; default 0"),
      AttributeSpec("smooth_softmax", .int, "1: a sink of score 0; default -1: none"),
      AttributeSpec("softcap", .float, "bound on scores; default 0: none"),
      AttributeSpec("v_quant_type", .string, "must be NONE"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      let (q, k, v) = (try wave([2, 1, 8], 0), try wave([2, 1, 4], 3), try wave([2, 1, 4], 5))
      let past = try wave([2, 1, 3, 4], 4)
      let cache = try wave([5, 2], 2)
      let total = try Tensor(scalar: Int32(3))
      var rotary = Options(heads: 2, keyHeads: 1)
      rotary.isRotary = true
      return [
        .init(
          GroupQueryAttention(Options(heads: 2, keyHeads: 1)),
          [q, k, v, past, past, try Tensor([2, 1] as [Int32]), total], outputCount: 3),
        .init(
          GroupQueryAttention(rotary),
          [
            try wave([1, 3, 16], 1), nil, nil, nil, nil, try Tensor([2] as [Int32]), total, cache,
            cache,
          ], outputCount: 3),
      ]
    })

  public init(_ options: Options) { self.options = options }

  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options(heads: try readHeads(a), keyHeads: try readHeads(a, "kv_num_heads"))
    o.isRotary = try a.bool("do_rotary", default: false)
    o.isInterleaved = try a.bool("rotary_interleaved", default: false)
    o.isCausal = try a.bool("causal", default: true)
    o.window = try a.int("local_window_size", default: -1)
    o.scale = try readScale(a)
    o.softcap = try a.float("softcap", default: 0)
    o.isSmooth = try a.int("smooth_softmax", default: -1) == 1
    o.scoreOutput = try a.int("qk_output", default: 0)
    let both = try a.float("qk_norm_epsilon", default: 1e-6)
    o.epsilons = [
      try a.float("q_norm_epsilon", default: both), try a.float("k_norm_epsilon", default: both),
    ]
    o.slides = try a.bool("sliding_window_cache", default: false)
    func check(_ isLegal: Bool, _ name: String, _ want: String, _ got: Any) throws(EngineError) {
      guard isLegal else {
        throw EngineError(
          .attribute, "attribute '\(name)' is out of range", expected: want, received: "\(got)")
      }
    }
    try check(
      o.heads % o.keyHeads == 0, "num_heads", "a multiple of \(o.keyHeads), as kv_num_heads is",
      o.heads)
    let windows = o.slides ? 1...Int(Int32.max) : -1...Int(Int32.max)
    try check(
      windows.contains(o.window) && (o.isCausal || o.window == -1), "local_window_size",
      o.isCausal ? (o.slides ? "1 or more" : "-1 or more") : "-1 without a causal mask", o.window)
    try check((0...2).contains(o.scoreOutput), "qk_output", "0 to 2", o.scoreOutput)
    try check(o.softcap >= 0, "softcap", "0 or more", o.softcap)
    try check(
      o.epsilons.allSatisfy { $0 > 0 && $0.isFinite }, "qk_norm_epsilon", "positive", o.epsilons)
    let types = [
      try a.string("k_quant_type", default: "NONE"), try a.string("v_quant_type", default: "NONE"),
    ]
    let bits = try a.int("kv_cache_bit_width", default: 0)
    let isQuantised = bits != 0 || types != ["NONE", "NONE"]
    if isQuantised {
      throw EngineError(.unsupported, "quantised caches of keys and values")
    }
    options = o
  }

  public var attributes: [Attribute] {
    let o = options
    var list: [Attribute] = [.int("kv_num_heads", o.keyHeads), .int("num_heads", o.heads)]
    if !o.isCausal { list.append(.bool("causal", false)) }
    if o.isRotary { list.append(.bool("do_rotary", true)) }
    if o.epsilons[1] != 1e-6 { list.append(.float("k_norm_epsilon", o.epsilons[1])) }
    if o.window != -1 { list.append(.int("local_window_size", o.window)) }
    if o.epsilons[0] != 1e-6 { list.append(.float("q_norm_epsilon", o.epsilons[0])) }
    if o.scoreOutput != 0 { list.append(.int("qk_output", o.scoreOutput)) }
    if o.isInterleaved { list.append(.bool("rotary_interleaved", true)) }
    if let scale = o.scale { list.append(.float("scale", scale)) }
    if o.slides { list.append(.bool("sliding_window_cache", true)) }
    if o.isSmooth { list.append(.bool("smooth_softmax", true)) }
    if o.softcap != 0 { list.append(.float("softcap", o.softcap)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.has(1) == c.has(2), c.has(3) == c.has(4), c.has(7) == c.has(8), c.has(14) == c.has(15)
    else {
      throw EngineError(
        .arity,
        "key and value, past_key and past_value, cos_cache and sin_cache, and the norm "
          + "weights come in pairs")
    }
    if options.isRotary, !c.has(7) {
      throw EngineError(.arity, "do_rotary needs cos_cache and sin_cache")
    }
    for (i, rank, name) in [(0, 3, "query"), (1, 3, "key"), (2, 3, "value"), (3, 4, "past_key")] {
      try checkRank(c.dims(i), rank, name)
    }
    let dtype = c.dtype(0)
    guard let q = c.dims(0) else {
      return [Fact(dtype, nil), Fact(dtype, nil), Fact(dtype, nil), Fact(dtype, nil)]
    }
    let (n, g) = (Dim(options.heads), Dim(options.keyHeads))
    let size = c.has(1) ? q[2] / n : q[2] / Dim(options.heads + 2 * options.keyHeads)
    let total = c.elements(6)?.first ?? c.unknown()
    var rows = total
    if c.has(3) {
      let past = c.dims(3)?[2] ?? c.unknown()
      rows = options.slides ? past : Dim.max(past, total)
    }
    let present = Fact(dtype, [q[0], g, rows, size])
    return [
      Fact(dtype, [q[0], q[1], n * size]), present, present,
      Fact(dtype, [q[0], n, q[1], total]),
    ]
  }

  /// Both products over the whole cache; masks save nothing.
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let y = outputs[0], y.count == 3 else { return nil }
    var keys = y[1]
    if outputs.count > 1, let present = outputs[1], present.count == 4 { keys = present[2] }
    return 2 * y[0] * y[1] * keys * y[2]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try GroupQueryPlan(options, p).prepared()
  }
}
