import Graphs
import Kernels
import Tensors

/// Scaled dot-product attention over heads: `Y = softmax(Q K^T * scale + bias) V`.
///
/// - `Q` `[N, Hq, Sq, E]`, `K` `[N, Hkv, Sk, E]`, `V` `[N, Hkv, Sk, Ev]`, or all three with heads
///   folded into the last axis (`[N, S, H * E]`, with `q_num_heads` and `kv_num_heads`). Float
///   dtypes; `Hq` a multiple of `Hkv`: each key head serves `Hq / Hkv` neighbouring query heads.
/// - `attn_mask`: bool (false masks) or numeric (added), broadcasting to `[N, Hq, Sq, T]`; keys
///   past its last axis are masked. `past_key`, `past_value`: `[N, Hkv, P, E]`, put in front of the
///   new ones; `T = P + Sk`. `nonpad_kv_seqlen`: int64 `[N]`, how many keys are valid.
/// - Attributes: `is_causal`: query i sees keys up to `i + offset`, with offset `P`, or
///   `nonpad_kv_seqlen - Sq`; `left_window_size`, `right_window_size`: bounds around `i + offset`,
///   default -1 for none; `scale` default `1 / sqrt(E)`; `softcap` default 0 for none:
///   `softcap * tanh(x / softcap)` before the mask; `softmax_precision` is kept, and the softmax
///   computed in float32 at least; `qk_matmul_output_mode` 0 to 3: products, capped, with mask,
///   probabilities.
/// - Outputs: `Y` as `Q`; `present_key`, `present_value` with the past; `qk_matmul_output`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.arity` for half a past.
/// - Edges: a query without keys gives zeros. Masked keys and values are not read into results.
/// - Source: ONNX Attention 23, 24, 25.
public struct Attention: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public var isCausal = false
    public var scale: Float?
    public var softcap: Float = 0
    public var queryHeads: Int?
    public var keyHeads: Int?
    public var leftWindow = -1
    public var rightWindow = -1
    public var scoreMode = 0
    public var softmaxPrecision: Int?
    public init() {}
  }
  public let options: Options

  public static let schema = Schema(
    "Attention", versions: [23, 24, 25],
    inputs: [
      Parameter("Q", .floats, "T1"), Parameter("K", .floats, "T1"), Parameter("V", .floats, "T2"),
      .optional("attn_mask", [.numeric, .bool], "U"), .optional("past_key", .floats, "T1"),
      .optional("past_value", .floats, "T2"), .optional("nonpad_kv_seqlen", .int64, ""),
    ],
    outputs: [
      Parameter("Y", .floats, "T1"), .optional("present_key", .floats, "T1"),
      .optional("present_value", .floats, "T2"), .optional("qk_matmul_output", .floats, "T1"),
    ],
    attributes: [
      AttributeSpec("is_causal", .int, "1: a query sees no later key; default 0"),
      AttributeSpec("kv_num_heads", .int, "heads of K and V, for inputs of rank 3"),
      AttributeSpec(
        "left_window_size", .int, "keys seen before a query; default -1: all", since: 25),
      AttributeSpec("q_num_heads", .int, "heads of Q, for inputs of rank 3"),
      AttributeSpec("qk_matmul_output_mode", .int, "0 to 3: which scores are put out; default 0"),
      AttributeSpec(
        "right_window_size", .int, "keys seen after a query; default -1: all", since: 25),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
      AttributeSpec("softcap", .float, "bound on scores; default 0: none"),
      AttributeSpec("softmax_precision", .int, "dtype of the softmax; at least float32 is used"),
    ],
    inputCounts: [23: 3...6, 24: 3...7],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      var causal = Options()
      causal.isCausal = true
      return [
        .init(
          Attention(),
          [
            try wave([1, 2, 3, 4], 0), try wave([1, 2, 5, 4], 3),
            try wave([1, 2, 5, 2], 5),
          ]),
        .init(
          Attention(causal),
          [
            try wave([1, 4, 3, 4], 1), try wave([1, 2, 3, 4], 3),
            try wave([1, 2, 3, 4], 6),
          ]),
      ]
    })

  public init(_ options: Options = Options()) { self.options = options }

  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options()
    o.isCausal = try a.bool("is_causal", default: false)
    o.scale = a.has("scale") ? try a.float("scale") : nil
    o.softcap = try a.float("softcap", default: 0)
    o.queryHeads = try a.optionalInt("q_num_heads")
    o.keyHeads = try a.optionalInt("kv_num_heads")
    o.leftWindow = try a.int("left_window_size", default: -1)
    o.rightWindow = try a.int("right_window_size", default: -1)
    o.scoreMode = try a.int("qk_matmul_output_mode", default: 0)
    o.softmaxPrecision = try a.optionalInt("softmax_precision")
    func check(_ name: String, _ value: Int, _ legal: ClosedRange<Int>) throws(EngineError) {
      guard legal.contains(value) else {
        throw EngineError(
          .attribute, "attribute '\(name)' is out of range",
          expected: "\(legal.lowerBound) to \(legal.upperBound)", received: "\(value)")
      }
    }
    let most = Int(Int32.max)
    try check("qk_matmul_output_mode", o.scoreMode, 0...3)
    try check("left_window_size", o.leftWindow, -1...most)
    try check("right_window_size", o.rightWindow, -1...most)
    if let n = o.queryHeads { try check("q_num_heads", n, 1...most) }
    if let n = o.keyHeads { try check("kv_num_heads", n, 1...most) }
    options = o
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if options.isCausal { list.append(.bool("is_causal", true)) }
    if let n = options.keyHeads { list.append(.int("kv_num_heads", n)) }
    if options.leftWindow != -1 { list.append(.int("left_window_size", options.leftWindow)) }
    if let n = options.queryHeads { list.append(.int("q_num_heads", n)) }
    if options.scoreMode != 0 { list.append(.int("qk_matmul_output_mode", options.scoreMode)) }
    if options.rightWindow != -1 { list.append(.int("right_window_size", options.rightWindow)) }
    if let scale = options.scale { list.append(.float("scale", scale)) }
    if options.softcap != 0 { list.append(.float("softcap", options.softcap)) }
    if let n = options.softmaxPrecision { list.append(.int("softmax_precision", n)) }
    return list
  }

  /// `[N, H, S, E]` of an operand of rank 3 or 4; nil where the rank is unknown.
  private func heads(
    _ dims: [Dim]?, _ heads: Int?, _ name: String
  ) throws(EngineError) -> [Dim]? {
    guard let dims else { return nil }
    if dims.count == 4 { return dims }
    guard dims.count == 3 else {
      throw EngineError(
        .shape, "\(name) has the wrong rank", expected: "3 or 4", received: "shape \(dims)")
    }
    guard let heads else {
      throw EngineError(
        .attribute, "inputs of rank 3 need attributes 'q_num_heads' and 'kv_num_heads'")
    }
    if let n = dims[2].known, n % heads != 0 {
      throw EngineError(
        .shape, "\(name) does not divide into heads", expected: "a multiple of \(heads)",
        received: "\(n)")
    }
    return [dims[0], Dim(heads), dims[1], dims[2] / Dim(heads)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.has(4) == c.has(5) else {
      throw EngineError(.arity, "past_key and past_value come together")
    }
    let q = try heads(c.dims(0), options.queryHeads, "Q")
    let k = try heads(c.dims(1), options.keyHeads, "K")
    let v = try heads(c.dims(2), options.keyHeads, "V")
    guard let q, let k, let v else {
      return [
        Fact(c.dtype(0), nil), Fact(c.dtype(1), nil), Fact(c.dtype(2), nil), Fact(c.dtype(0), nil),
      ]
    }
    var total = k[2]
    if c.has(4) {
      total = total + (c.dims(4).flatMap { $0.count == 4 ? $0[2] : nil } ?? c.unknown())
    }
    let y = c.rank(0) == 3 ? [q[0], q[2], q[1] * v[3]] : [q[0], q[1], q[2], v[3]]
    return [
      Fact(c.dtype(0), y), Fact(c.dtype(1), [k[0], k[1], total, k[3]]),
      Fact(c.dtype(2), [v[0], v[1], total, v[3]]), Fact(c.dtype(0), [q[0], q[1], q[2], total]),
    ]
  }

  /// Both products over all pairs of queries and keys; masks save nothing.
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    func length(_ d: [Dim]) -> Dim { d.count == 4 ? d[2] : d[1] }
    func width(_ d: [Dim]) -> Dim { d.count == 4 ? d[1] * d[3] : d[2] }
    guard let q = inputs[0], let k = inputs[1], let y = outputs[0],
      [q, k, y].allSatisfy({ $0.count == 3 || $0.count == 4 })
    else { return nil }
    var keys = length(k)
    if inputs.count > 4, let past = inputs[4], past.count == 4 { keys = keys + past[2] }
    return q[0] * length(q) * keys * (width(q) + width(y))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p, mixed: true) { return half }
    return try AttentionPlan(options, p).prepared()
  }
}
