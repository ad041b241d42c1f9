import Graphs
import Kernels
import Tensors

/// Self-attention with the projection of its input:
/// `[Q, K, V] = input weights + bias`, `output = softmax(Q K^T * scale + masks) V` for each head.
///
/// - `input`: float16, bfloat16 or float32 `[N, S, D]`; `weights`: `[D, Dq + Dk + Dv]`; `bias`
///   (optional): `[Dq + Dk + Dv]`; `mask_index` (optional): int32 in a form of `PaddingMask`;
///   `past` (optional): `[2, N, H, P, E]`, keys and values put in front of the new ones;
///   `attention_bias` (optional): added to the scores, `[1 or N, 1 or H, S, T]` with `T = P + S`;
///   `past_sequence_length`: int32, how much of `past` is valid where its buffer is shared.
/// - Attributes: `num_heads` H, required; `qkv_hidden_sizes`: Dq, Dk, Dv, default a third each;
///   `unidirectional` 1: a query sees no later key; `scale` default `1 / sqrt(Dq / H)`;
///   `mask_filter_value` default -10000, added to masked scores; `past_present_share_buffer` 1:
///   `past` has room for the new keys and `present` its shape.
/// - Outputs: `output` `[N, S, Dv]`; `present`: `past` with the new keys and values,
///   `[2, N, H, T, E]`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.unsupported` for `do_rotary`.
/// - Edges: a mask that hides all keys of a query leaves their softmax as it was, as adding the
///   same to all does.
/// - Source: ONNX Runtime's Attention of domain com.microsoft, version 1. Its CPU kernel refuses
///   `do_rotary`, masks of rank 4, and a past beside attention_bias; here the last two work.
public struct ContribAttention: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public var heads: Int
    public var isUnidirectional = false
    public var scale: Float?
    public var filter: Float = -10000
    public var sizes: [Int]?
    public var sharesBuffer = false
    public init(heads: Int) { self.heads = heads }
  }
  public let options: Options

  static let types = DTypes(.float32, .float16, .bfloat16)
  public static let schema = Schema(
    "Attention", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input", types), Parameter("weights", types), .optional("bias", types),
      .optional("mask_index", DTypes(.int32), "M"), .optional("past", types),
      .optional("attention_bias", types),
      .optional("past_sequence_length", DTypes(.int32), "M", shape: true),
    ],
    outputs: [Parameter("output", types), .optional("present", types)],
    attributes: [
      AttributeSpec("do_rotary", .int, "must be 0"),
      AttributeSpec("mask_filter_value", .float, "added to masked scores; default -10000"),
      AttributeSpec("num_heads", .int, "heads; required"),
      AttributeSpec("past_present_share_buffer", .int, "1: past has room for more; default 0"),
      AttributeSpec("qkv_hidden_sizes", .ints, "widths of Q, K and V; default a third each"),
      AttributeSpec("rotary_embedding_dim", .int, "must be absent or 0"),
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
      let x = try wave([2, 3, 4], 0)
      let w = try wave([4, 12], 3)
      return [
        .init(
          ContribAttention(Options(heads: 2)),
          [x, w, try wave([12], 5), try Tensor([2, 3] as [Int32])]),
        .init(
          ContribAttention(causal), [x, w, nil, nil, try wave([2, 2, 2, 1, 2], 4)],
          outputCount: 2),
      ]
    })

  public init(_ options: Options) { self.options = options }

  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options(heads: try readHeads(a))
    o.isUnidirectional = try a.bool("unidirectional", default: false)
    o.scale = try readScale(a)
    o.filter = try a.float("mask_filter_value", default: -10000)
    o.sizes = try a.optionalInts("qkv_hidden_sizes")
    o.sharesBuffer = try a.bool("past_present_share_buffer", default: false)
    if try a.bool("do_rotary", default: false) {
      throw EngineError(
        .unsupported, "rotary embedding inside Attention", expected: "do_rotary 0",
        hint: "use MultiHeadAttention with RotaryEmbedding")
    }
    if let sizes = o.sizes {
      let isLegal =
        sizes.count == 3 && sizes[0] == sizes[1]
        && sizes.allSatisfy { $0 > 0 && $0 <= Int(Int32.max) && $0 % o.heads == 0 }
      guard isLegal else {
        throw EngineError(
          .attribute, "attribute 'qkv_hidden_sizes' has no legal value",
          expected: "three multiples of \(o.heads), the first two equal", received: "\(sizes)")
      }
    }
    options = o
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = [.int("num_heads", options.heads)]
    if options.filter != -10000 { list.append(.float("mask_filter_value", options.filter)) }
    if options.sharesBuffer { list.append(.bool("past_present_share_buffer", true)) }
    if let sizes = options.sizes { list.append(.ints("qkv_hidden_sizes", sizes)) }
    if let scale = options.scale { list.append(.float("scale", scale)) }
    if options.isUnidirectional { list.append(.bool("unidirectional", true)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, rank, name) in [(0, 3, "input"), (1, 2, "weights"), (4, 5, "past")] {
      try checkRank(c.dims(i), rank, name)
    }
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil), Fact(c.dtype(0), nil)] }
    let all = c.dims(1)?[1] ?? c.dims(2)?.first
    let width = options.sizes.map { Dim($0[2]) } ?? all.map { $0 / 3 } ?? c.unknown()
    var present = c.dims(4)
    if present == nil {
      let size = options.sizes.map { Dim($0[0]) } ?? all.map { $0 / 3 }
      let head = size.map { $0 / Dim(options.heads) } ?? c.unknown()
      present = [2, x[0], Dim(options.heads), 0, head]
    }
    if !options.sharesBuffer, let rows = present?[3] { present?[3] = rows + x[1] }
    return [Fact(c.dtype(0), [x[0], x[1], width]), Fact(c.dtype(0), present)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let x = inputs[0], let w = inputs[1], let y = outputs[0], x.count == 3, w.count == 2
    else { return nil }
    var keys = x[1]
    if inputs.count > 4, let past = inputs[4], past.count == 5 { keys = keys + past[3] }
    let scores = x[0] * x[1] * keys
    return x[0] * x[1] * w[0] * w[1] + scores * (w[1] - y[2]) / 2 + scores * y[2]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try ContribAttentionPlan(options, p).prepared()
  }
}

/// The attribute `num_heads`, or another count of heads.
///
/// Errors: `.attribute` where it is missing or not positive.
func readHeads(_ a: AttributeReader, _ name: String = "num_heads") throws(EngineError) -> Int {
  let heads = try a.int(name)
  guard heads > 0, heads <= Int(Int32.max) else {
    throw EngineError(
      .attribute, "attribute '\(name)' is out of range", expected: "1 or more",
      received: "\(heads)")
  }
  return heads
}

/// The attribute `scale`; 0 means the default, as none does.
func readScale(_ a: AttributeReader) throws(EngineError) -> Float? {
  let scale = try a.float("scale", default: 0)
  return scale == 0 ? nil : scale
}

/// Errors: `.shape` for a known rank other than `rank`.
func checkRank(_ dims: [Dim]?, _ rank: Int, _ name: String) throws(EngineError) {
  guard let dims, dims.count != rank else { return }
  throw EngineError(
    .shape, "\(name) has the wrong rank", expected: "\(rank)", received: "shape \(dims)")
}

/// Errors: `.shape` for a shape other than `want`.
func checkShape(_ t: TensorType, _ want: [Int], _ name: String) throws(EngineError) {
  guard t.shape.array == want else {
    throw EngineError(
      .shape, "\(name) does not fit", expected: "\(want)", received: "\(t.shape)")
  }
}
