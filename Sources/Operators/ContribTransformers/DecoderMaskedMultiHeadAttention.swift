import Graphs
import Kernels
import Tensors

/// Multi-head attention of one new token, with a cache that beam search may mix.
///
/// - `query`: float16 or float32 `[N, 1, H * E]` with `key` and `value` `[N, 1, H * E]` and `[N, 1,
///   H * Ev]`, or both `[N, H, L, E]` (of another sequence), or `[N, 1, 3 H * E]` alone;
///   `mask_index` (optional): int32 `[N, T]`; `attention_bias` (optional): `[1 or N, 1 or H, 1,
///   T]`; `past_key`, `past_value` (optional): `[N, H, P, E]`; `past_sequence_length`: int32, how
///   much of the past is valid; `beam_width` W: int32, kept; `cache_indirection` (optional): int32
///   `[N / W, W, P]`, the beam of each past key; `bias` (optional): as MultiHeadAttention's.
/// - Attributes: `num_heads` H, required; `scale` default `1 / sqrt(E)`; `mask_filter_value`
///   default -10000; `past_present_share_buffer` 1: the past has room for the new token and the
///   present its shape; `output_qk` 1: the output `qk` is asked for.
/// - Outputs: those of MultiHeadAttention.
/// - Errors: `.shape` for operands that do not fit, more than one token among them; `.arity`;
///   `.attribute`; `.value` for a beam that is not there, when running.
/// - Source: ONNX Runtime's DecoderMaskedMultiHeadAttention of domain com.microsoft, version 1,
///   with the cache as its CPU kernel lays it out.
public struct DecoderMaskedMultiHeadAttention: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public var heads: Int
    public var scale: Float?
    public var filter: Float = -10000
    public var sharesBuffer = false
    public var putsScores = false
    public init(heads: Int) { self.heads = heads }
  }
  public let options: Options

  static let types = DTypes(.float32, .float16)
  public static let schema = Schema(
    "DecoderMaskedMultiHeadAttention", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("query", types), .optional("key", types), .optional("value", types),
      .optional("mask_index", DTypes(.int32), "M"), .optional("attention_bias", types),
      .optional("past_key", types), .optional("past_value", types),
      .optional("past_sequence_length", DTypes(.int32), "M", shape: true),
      .optional("beam_width", DTypes(.int32), "M"),
      .optional("cache_indirection", DTypes(.int32), "M"), .optional("bias", types),
    ],
    outputs: [
      Parameter("output", types), .optional("present_key", types),
      .optional("present_value", types), .optional("qk", types),
    ],
    attributes: [
      AttributeSpec("mask_filter_value", .float, "added to masked scores; default -10000"),
      AttributeSpec("num_heads", .int, "heads; required"),
      AttributeSpec("output_qk", .int, "1: qk is put out; default 0"),
      AttributeSpec("past_present_share_buffer", .int, "1: past has room for more; default 0"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      var shared = Options(heads: 2)
      shared.sharesBuffer = true
      let (q, k, v) = (try wave([2, 1, 4], 0), try wave([2, 1, 4], 3), try wave([2, 1, 4], 5))
      let past = try wave([2, 2, 3, 2], 4)
      return [
        .init(DecoderMaskedMultiHeadAttention(Options(heads: 2)), [q, past, past]),
        .init(
          DecoderMaskedMultiHeadAttention(shared),
          [q, k, v, nil, nil, past, past, try Tensor([1] as [Int32])], outputCount: 3),
      ]
    })

  public init(_ options: Options) { self.options = options }

  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options(heads: try readHeads(a))
    o.scale = try readScale(a)
    o.filter = try a.float("mask_filter_value", default: -10000)
    o.sharesBuffer = try a.bool("past_present_share_buffer", default: false)
    o.putsScores = try a.bool("output_qk", default: false)
    options = o
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = [.int("num_heads", options.heads)]
    if options.filter != -10000 { list.append(.float("mask_filter_value", options.filter)) }
    if options.putsScores { list.append(.bool("output_qk", true)) }
    if options.sharesBuffer { list.append(.bool("past_present_share_buffer", true)) }
    if let scale = options.scale { list.append(.float("scale", scale)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let q = c.dims(0), q.count > 1, let n = q[1].known, n != 1 {
      throw EngineError(
        .shape, "query holds more than one token", expected: "1", received: "\(n)")
    }
    return try MultiHeadShapes.infer(
      c, heads: options.heads, pastKey: 5, sharesBuffer: options.sharesBuffer && c.has(5))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try MultiHeadPlan(
      heads: options.heads, scale: options.scale, filter: options.filter, isCausal: false,
      inputs: .init(
        bias: 10, mask: 3, extra: 4, pastKey: 5, pastValue: 6, pastLength: 7, indirection: 9),
      sharesBuffer: options.sharesBuffer && p.has(5), p
    ).prepared()
  }
}
