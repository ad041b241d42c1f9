import Graphs
import Kernels
import Tensors

/// Attention over heads after the projections: `output = softmax(Q K^T * scale + masks) V`.
///
/// - `query`: float16, bfloat16 or float32 `[N, S, H * E]` with `key` and `value` `[N, L, H * E]`
///   and `[N, L, H * Ev]`, or both `[N, H, L, E]` (of another sequence), or `key` holding both as
///   `[N, L, H, 2, E]`; or `query` holding all three as `[N, S, H, 3, E]`.
/// - `bias` (optional): `[2 H * E + H * Ev]`, added to query, key and value of rank 3 or 5, and to
///   the query alone where keys have heads of their own; `key_padding_mask` (optional): int32 in a
///   form of `PaddingMask`; `attention_bias` (optional): `[1 or N, 1 or H, S, T]`, added to the
///   scores; `past_key`, `past_value` (optional): `[N, H, P, E]`, put in front, `T = P + L`;
///   `past_sequence_length`: int32, how much of a past with room for more is valid;
///   `cache_indirection`: int32 `[N / W, W, P]`, the beam of each past key.
/// - Attributes: `num_heads` H, required; `unidirectional` 1: query i sees keys up to `P + i`;
///   `scale` default `1 / sqrt(E)`; `mask_filter_value` default -10000.
/// - Outputs: `output` `[N, S, H * Ev]`; `present_key`, `present_value`: past and new ones;
///   `qk` `[N, H, S, T]`: scores with masks and bias, before
///   the softmax.
/// - Errors: `.shape` for operands that do not fit; `.arity` for half a past; `.attribute`.
/// - Source: ONNX Runtime's MultiHeadAttention of domain com.microsoft, version 1. Its CPU kernel
///   refuses the packed forms, and with `unidirectional` and more new keys than queries shows the
///   last query all of them.
public struct MultiHeadAttention: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public var heads: Int
    public var isUnidirectional = false
    public var scale: Float?
    public var filter: Float = -10000
    public init(heads: Int) { self.heads = heads }
  }
  public let options: Options

  static let types = DTypes(.float32, .float16, .bfloat16)
  static let masks = DTypes(.int32)
  public static let schema = Schema(
    "MultiHeadAttention", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("query", types), .optional("key", types), .optional("value", types),
      .optional("bias", types), .optional("key_padding_mask", masks, "M"),
      .optional("attention_bias", types), .optional("past_key", types),
      .optional("past_value", types),
      .optional("past_sequence_length", masks, "M", shape: true),
      .optional("cache_indirection", masks, "M"),
    ],
    outputs: [
      Parameter("output", types), .optional("present_key", types),
      .optional("present_value", types), .optional("qk", types),
    ],
    attributes: [
      AttributeSpec("mask_filter_value", .float, "added to masked scores; default -10000"),
      AttributeSpec("num_heads", .int, "heads; required"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
      AttributeSpec("unidirectional", .int, "1: a query sees no later key; default 0"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      var causal = Options(heads: 2)
      causal.isUnidirectional = true
      let (q, k, v) = (try wave([2, 2, 4], 0), try wave([2, 3, 4], 3), try wave([2, 3, 4], 5))
      let past = try wave([2, 2, 1, 2], 4)
      return [
        .init(
          MultiHeadAttention(Options(heads: 2)),
          [q, k, v, try wave([12], 1), try Tensor([2, 3] as [Int32])]),
        .init(
          MultiHeadAttention(causal), [k, v, k, nil, nil, nil, past, past], outputCount: 4),
        .init(MultiHeadAttention(Options(heads: 2)), [try wave([1, 3, 2, 3, 2], 2)]),
      ]
    })

  public init(_ options: Options) { self.options = options }

  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options(heads: try readHeads(a))
    o.isUnidirectional = try a.bool("unidirectional", default: false)
    o.scale = try readScale(a)
    o.filter = try a.float("mask_filter_value", default: -10000)
    options = o
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = [.int("num_heads", options.heads)]
    if options.filter != -10000 { list.append(.float("mask_filter_value", options.filter)) }
    if let scale = options.scale { list.append(.float("scale", scale)) }
    if options.isUnidirectional { list.append(.bool("unidirectional", true)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try MultiHeadShapes.infer(
      c, heads: options.heads, pastKey: 6, sharesBuffer: c.has(8) && c.has(6))
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let q = inputs[0], let y = outputs[0], y.count == 3 else { return nil }
    var keys = q[1]
    if inputs.count > 1, let k = inputs[1] { keys = k.count == 4 ? k[2] : k[1] }
    if inputs.count > 6, let past = inputs[6], past.count == 4 { keys = keys + past[2] }
    return 2 * y[0] * y[1] * keys * y[2]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try MultiHeadPlan(
      heads: options.heads, scale: options.scale, filter: options.filter,
      isCausal: options.isUnidirectional,
      inputs: .init(
        bias: 3, mask: 4, extra: 5, pastKey: 6, pastValue: 7, pastLength: 8, indirection: 9),
      sharesBuffer: p.has(8) && p.has(6), p
    ).prepared()
  }
}
