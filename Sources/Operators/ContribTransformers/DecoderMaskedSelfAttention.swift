import Graphs
import Kernels
import Tensors

/// ContribAttention of one new token: projection, cache and attention.
///
/// - `input`: float16 or float32 `[N, 1, D]`; `weights`: `[D, 3 H * E]`; `bias`: `[3 H * E]`;
///   `mask_index` (optional): int32 `[N, T]`; `past`: `[2, N, H, P, E]`; `attention_bias`
///   (optional): `[1 or N, 1 or H, 1, T]`; `past_sequence_length`: int32; `beam_width`: int32, 1.
/// - Attributes: as ContribAttention's; `past_present_share_buffer` 1: `past` has room for the new
///   token.
/// - Outputs: `output` `[N, 1, H * E]`; `present`.
/// - Errors: those of ContribAttention; `.unsupported` for `cache_indirection`; `.shape` for more
///   than one token.
/// - Source: ONNX Runtime's DecoderMaskedSelfAttention of domain com.microsoft, version 1, which is
///   for GPUs; the cache here lies as Attention's does, keys in rows.
public struct DecoderMaskedSelfAttention: FormulaGradient {
  /// What it does is this operator's work.
  public let attention: ContribAttention

  static let types = DTypes(.float32, .float16)
  public static let schema = Schema(
    "DecoderMaskedSelfAttention", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input", types), Parameter("weights", types), Parameter("bias", types),
      .optional("mask_index", DTypes(.int32), "M"), Parameter("past", types),
      .optional("attention_bias", types),
      .optional("past_sequence_length", DTypes(.int32), "M", shape: true),
      .optional("beam_width", DTypes(.int32), "M"),
      .optional("cache_indirection", DTypes(.int32), "M"),
    ],
    outputs: [Parameter("output", types), .optional("present", types)],
    attributes: [
      AttributeSpec("do_rotary", .int, "must be 0"),
      AttributeSpec("mask_filter_value", .float, "added to masked scores; default -10000"),
      AttributeSpec("num_heads", .int, "heads; required"),
      AttributeSpec("past_present_share_buffer", .int, "1: past has room for more; default 0"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      return [
        .init(
          DecoderMaskedSelfAttention(ContribAttention(.init(heads: 2))),
          [
            try wave([2, 1, 4], 0), try wave([4, 12], 3), try wave([12], 5), nil,
            try wave([2, 2, 2, 3, 2], 4),
          ], outputCount: 2)
      ]
    })

  public init(_ attention: ContribAttention) { self.attention = attention }
  public init(reading a: AttributeReader) throws(EngineError) {
    attention = try ContribAttention(reading: a)
  }
  public var attributes: [Attribute] { attention.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count > 1, let n = x[1].known, n != 1 {
      throw EngineError(.shape, "input holds more than one token", expected: "1", received: "\(n)")
    }
    if c.has(8) { throw EngineError(.unsupported, "beam search over a self-attention's cache") }
    return try attention.infer(c)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try ContribAttentionPlan(attention.options, p).prepared()
  }
}
