import Graphs
import Kernels
import Tensors

/// A mixture of experts: each token goes through the `k` feed-forward networks that the router
/// likes best, and their results are added with the router's weights.
///
/// - `input`: float16, bfloat16 or float32 `[T, D]` or `[N, S, D]`; `router_probs`: `[T, E]`
///   (scores); `fc1_experts_weights`: `[E, F * I, D]`, F = 2 for a fused swiglu, else 1;
///   `fc1_experts_bias` (optional): `[E, F * I]`; `fc2_experts_weights`: `[E, D, I]`;
///   `fc2_experts_bias` (optional): `[E, D]`; `fc3_experts_weights`, `fc3_experts_bias` (optional):
///   a gate beside the first layer, `[E, I, D]`, `[E, I]`: `act(fc1 x) * fc3 x`.
/// - Attributes: `k` default 1; `activation_type` relu (default), gelu (by tanh), silu, identity or
///   swiglu: `G sigmoid(alpha G) (L + beta)` with `activation_alpha` default 1, `activation_beta`
///   default 0, G at most and L within `swiglu_limit`; `swiglu_fusion` 0: fc1 and fc3, 1: pairs in
///   fc1, 2: halves of fc1; `normalize_routing_weights` 1: the chosen weights add up to 1.
/// - Weights are the softmax of the scores over all experts, or with normalisation over the chosen.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.unsupported` for
///   `use_sparse_mixer` and `swiglu_limit_after_activation`.
/// - Edges: of equal scores the first expert wins.
/// - Source: ONNX Runtime's MoE of domain com.microsoft, version 1. Its CPU kernel takes neither
///   fc3 nor halves.
public struct MoE: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public enum Activation: String, Sendable { case relu, gelu, silu, identity, swiglu }
    public var count = 1
    public var activation = Activation.relu
    public var alpha: Float = 1
    public var beta: Float = 0
    public var limit: Float?
    public var fusion = 0
    public var normalizes = false
    public init() {}
  }
  public let options: Options

  static let types = DTypes(.float32, .float16, .bfloat16)
  public static let schema = Schema(
    "MoE", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input", types), Parameter("router_probs", types),
      Parameter("fc1_experts_weights", types), .optional("fc1_experts_bias", types),
      Parameter("fc2_experts_weights", types), .optional("fc2_experts_bias", types),
      .optional("fc3_experts_weights", types), .optional("fc3_experts_bias", types),
    ],
    outputs: [Parameter("output", types)],
    attributes: [
      AttributeSpec("activation_alpha", .float, "factor in swiglu's sigmoid; default 1"),
      AttributeSpec("activation_beta", .float, "added to swiglu's linear part; default 0"),
      AttributeSpec("activation_type", .string, "relu, gelu, silu, identity, swiglu"),
      AttributeSpec("k", .int, "experts of a token; default 1"),
      AttributeSpec("normalize_routing_weights", .int, "1: chosen weights add up to 1; default 0"),
      AttributeSpec("swiglu_fusion", .int, "0: fc1 and fc3, 1: pairs, 2: halves; default 0"),
      AttributeSpec("swiglu_limit", .float, "bound of swiglu's parts; default none"),
      AttributeSpec("swiglu_limit_after_activation", .int, "must be 0"),
      AttributeSpec("use_sparse_mixer", .int, "must be 0"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      var gated = Options()
      gated.activation = .swiglu
      gated.fusion = 1
      gated.count = 2
      let (x, router) = (try wave([3, 4], 0), try wave([3, 2], 3))
      let (w, w2) = (try wave([2, 6, 4], 5), try wave([2, 4, 6], 1))
      return [
        .init(MoE(), [x, router, w, try wave([2, 6], 2), w2, try wave([2, 4], 4)]),
        .init(MoE(gated), [x, router, w, nil, try wave([2, 4, 3], 2)]),
      ]
    })

  public init(_ options: Options = Options()) { self.options = options }

  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options()
    o.count = try a.int("k", default: 1)
    guard o.count > 0, o.count <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'k' is out of range", expected: "1 or more", received: "\(o.count)")
    }
    let name = try a.string(
      "activation_type", default: "relu", oneOf: ["relu", "gelu", "silu", "identity", "swiglu"])
    o.activation = .init(rawValue: name) ?? .relu
    o.alpha = try a.float("activation_alpha", default: 1)
    o.beta = try a.float("activation_beta", default: 0)
    o.limit = a.has("swiglu_limit") ? try a.float("swiglu_limit", default: 0) : nil
    o.fusion = try a.int("swiglu_fusion", default: 0)
    guard (0...2).contains(o.fusion), o.limit.map({ $0 >= 0 }) ?? true else {
      throw EngineError(
        .attribute, "attribute 'swiglu_fusion' or 'swiglu_limit' is out of range",
        expected: "0 to 2, and 0 or more",
        received: "\(o.fusion), \(o.limit.map { "\($0)" } ?? "none")")
    }
    o.normalizes = try a.bool("normalize_routing_weights", default: false)
    for name in ["use_sparse_mixer", "swiglu_limit_after_activation"]
    where try a.bool(name, default: false) {
      throw EngineError(.unsupported, "attribute '\(name)'", expected: "0", received: "1")
    }
    options = o
  }

  public var attributes: [Attribute] {
    let o = options
    var list: [Attribute] = [.string("activation_type", o.activation.rawValue), .int("k", o.count)]
    if o.alpha != 1 { list.append(.float("activation_alpha", o.alpha)) }
    if o.beta != 0 { list.append(.float("activation_beta", o.beta)) }
    if o.normalizes { list.append(.bool("normalize_routing_weights", true)) }
    if o.fusion != 0 { list.append(.int("swiglu_fusion", o.fusion)) }
    if let limit = o.limit { list.append(.float("swiglu_limit", limit)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count != 2, x.count != 3 {
      throw EngineError(.shape, "input has the wrong rank", expected: "2 or 3", received: "\(x)")
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  /// The chosen experts' products.
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard inputs.count > 4, let x = inputs[0], let w = inputs[2], let w2 = inputs[4],
      let d = x.last, w.count == 3, w2.count == 3
    else { return nil }
    return x.product / d * Dim(options.count) * (w[1] * w[2] + w2[1] * w2[2])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    for case let t? in p.inputs where t.dtype != .float32 { throw p.noKernel() }
    let x = try p.input(0).shape
    let router = try p.input(1).shape
    let (w1, w2) = (try p.input(2).shape, try p.input(4).shape)
    let d = x[x.rank - 1]
    let tokens = x.count(of: 0..<x.rank - 1)
    let o = options
    guard router.rank == 2, w1.rank == 3, w2.rank == 3 else {
      throw EngineError(
        .shape, "router_probs or the weights have the wrong rank", expected: "2, 3 and 3",
        received: "\(router), \(w1), \(w2)")
    }
    let (experts, inner) = (router[1], w2[2])
    let isFused = o.activation == .swiglu && o.fusion != 0
    let rows = isFused ? 2 * inner : inner
    let hasGate = p.has(6)
    guard !hasGate || !isFused, o.activation != .swiglu || isFused || hasGate else {
      throw EngineError(.arity, "swiglu needs fc3_experts_weights or 'swiglu_fusion', not both")
    }
    try checkShape(p.input(1), [tokens, experts], "router_probs")
    try checkShape(p.input(2), [experts, rows, d], "fc1_experts_weights")
    try checkShape(p.input(4), [experts, d, inner], "fc2_experts_weights")
    let others = [
      (3, [experts, rows], "fc1_experts_bias"), (5, [experts, d], "fc2_experts_bias"),
      (6, [experts, inner, d], "fc3_experts_weights"), (7, [experts, inner], "fc3_experts_bias"),
    ]
    for (i, shape, name) in others where p.has(i) { try checkShape(p.input(i), shape, name) }
    guard o.count <= experts else {
      throw EngineError(
        .shape, "a token asks for more experts than there are", expected: "at most \(experts)",
        received: "\(o.count)")
    }
    let kernel = ExpertMixture(
      tokens: tokens, size: d, inner: inner, experts: experts, options: o,
      workers: max(1, min(tokens, p.options.threads > 1 ? 4 * p.options.threads : 1)))
    let has = (b1: p.has(3), b2: p.has(5), gate: hasGate, b3: p.has(7))
    var scratch = ScratchLayout()
    _ = try scratch.take(kernel.scratchCount)
    return Prepared(scratchBytes: scratch.bytes, label: "experts") { m in
      kernel.run(
        .init(
          x: m.input(0), router: m.input(1), w1: m.input(2), b1: has.b1 ? m.input(3) : nil,
          w2: m.input(4), b2: has.b2 ? m.input(5) : nil, w3: has.gate ? m.input(6) : nil,
          b3: has.b3 ? m.input(7) : nil, output: m.output(0)),
        scratch: m.scratch.assumingMemoryBound(to: Float.self), pool: m.pool)
    }
  }
}
