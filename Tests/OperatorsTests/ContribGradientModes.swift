import Graphs
import Operators
import Tensors

/// Modes of com.microsoft's operators that the cases of their schemas leave out.
enum ContribGradientModes {
  static func add(to add: GradientModes.Add) throws {
    try groups(add)
    try heads(add)
    try linear(add)
    try experts(add)
  }

  private static func wave(_ shape: [Int], _ phase: Int = 0) throws -> Tensor {
    try GradientModes.wave(shape, phase)
  }
  private static func int32s(_ values: [Int32]) throws -> Tensor { try Tensor(values) }

  private static func groups(_ add: GradientModes.Add) throws {
    func options(
      _ change: (inout GroupQueryAttention.Options) -> Void
    ) -> GroupQueryAttention {
      var o = GroupQueryAttention.Options(heads: 2, keyHeads: 1)
      change(&o)
      return GroupQueryAttention(o)
    }
    let total = try Tensor(scalar: Int32(4))
    let (q, k, v) = (try wave([2, 2, 8]), try wave([2, 2, 4], 1), try wave([2, 2, 4], 2))
    let past = (try wave([2, 1, 3, 4], 3), try wave([2, 1, 3, 4], 4))
    let lengths = try int32s([3, 2])
    let caches = (try wave([6, 2], 5), try wave([6, 2], 6))
    let bias = try wave([1, 2, 2, 4], 7)
    add(
      "past, window, softcap", options { ($0.window, $0.softcap) = (2, 1.5) },
      [q, k, v, past.0, past.1, lengths, total], 3)
    add(
      "past, sinks, bias, scores", options { $0.scoreOutput = 1 },
      [q, k, v, past.0, past.1, lengths, total, nil, nil, nil, bias, try wave([2], 8)], 4)
    add(
      "not causal, smooth, probabilities",
      options { ($0.isCausal, $0.isSmooth, $0.scoreOutput, $0.scale) = (false, true, 2, 0.6) },
      [q, k, v, past.0, past.1, lengths, total], 4)
    let ids = try Tensor(shape: [2, 2], [2, 3, 1, 4] as [Int64])
    add(
      "norms, interleaved turn at given places",
      options { ($0.isRotary, $0.isInterleaved) = (true, true) },
      [
        q, k, v, past.0, past.1, lengths, total, caches.0, caches.1, ids, nil, nil, nil, nil,
        try wave([4], 9), try wave([4], 10),
      ], 1)
    add(
      "packed prompt, turned", options { $0.isRotary = true },
      [
        try wave([1, 3, 16]), nil, nil, nil, nil, try int32s([2]), try Tensor(scalar: Int32(3)),
        caches.0, caches.1,
      ], 3)
    add(
      "sliding cache", options { ($0.slides, $0.window) = (true, 2) },
      [q, k, v, past.0, past.1, try int32s([5, 3]), try Tensor(scalar: Int32(6))], 3)
  }

  private static func heads(_ add: GradientModes.Add) throws {
    let (q, k, v) = (try wave([2, 2, 4]), try wave([2, 3, 4], 1), try wave([2, 3, 6], 2))
    let bias = try wave([1, 2, 2, 3], 3)
    var masked = MultiHeadAttention.Options(heads: 2)
    masked.filter = -1.5
    let masks: [(String, Tensor)] = [
      ("ends", try int32s([2, 3])), ("ends and starts", try int32s([3, 2, 1, 0])),
      ("sums", try int32s([2, 3, 0, 2, 5, 0, 3, 6])),
      ("keys", try Tensor(shape: [2, 3], [1, 0, 1, 0, 1, 1] as [Int32])),
      ("rows", try Tensor(shape: [2, 2, 3], [1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1] as [Int32])),
    ]
    for (name, mask) in masks {
      add("mask of \(name)", MultiHeadAttention(masked), [q, k, v, nil, mask, bias], 4)
    }
    add(
      "pairs", MultiHeadAttention(.init(heads: 2)),
      [q, try wave([2, 3, 2, 2, 2], 4), nil, try wave([12], 5)], 1)
    let past = (try wave([2, 2, 4, 2], 6), try wave([2, 2, 4, 2], 7))
    let one = (try wave([2, 1, 4]), try wave([2, 1, 4], 1), try wave([2, 1, 4], 2))
    let beams = try Tensor(shape: [1, 2, 4], [0, 1, 0, 0, 1, 0, 1, 1] as [Int32])
    add(
      "shared cache of beams", MultiHeadAttention(.init(heads: 2)),
      [one.0, one.1, one.2, nil, nil, nil, past.0, past.1, try int32s([2]), beams], 3)
    var shared = DecoderMaskedMultiHeadAttention.Options(heads: 2)
    shared.sharesBuffer = true
    add(
      "shared cache of beams, bias", DecoderMaskedMultiHeadAttention(shared),
      [
        one.0, one.1, one.2, nil, nil, past.0, past.1, try int32s([2]), nil, beams,
        try wave([12], 8),
      ], 3)
    var causal = ContribAttention.Options(heads: 2)
    causal.isUnidirectional = true
    causal.filter = -2
    let x = try wave([2, 3, 4])
    let (w, b) = (try wave([4, 12], 1), try wave([12], 2))
    let square = try Tensor(
      shape: [2, 1, 4, 4], (0..<32).map { Int32($0 * 5 % 7 == 0 ? 0 : 1) })
    add("causal, square mask", ContribAttention(causal), [x, w, b, square], 1)
    causal.sharesBuffer = true
    add(
      "shared cache", ContribAttention(causal),
      [x, w, b, nil, try wave([2, 2, 2, 5, 2], 3), nil, try int32s([1])], 2)
  }

  private static func linear(_ add: GradientModes.Add) throws {
    let (q, k, v) = (try wave([1, 3, 4]), try wave([1, 3, 4], 1), try wave([1, 3, 6], 2))
    let decay = try wave([1, 3, 2], 3)
    add(
      "delta, one rate for all", LinearAttention(.delta, queryHeads: 2, keyHeads: 2),
      [q, k, v, nil, nil, try wave([1, 3, 1], 4)], 2)
    add(
      "gated, a decay for each head", LinearAttention(.gated, queryHeads: 2, keyHeads: 2),
      [q, k, v, nil, decay], 2)
    add(
      "gated delta", LinearAttention(queryHeads: 2, keyHeads: 2, scale: 0.4),
      [q, k, v, try wave([1, 2, 2, 3], 5), decay, try wave([1, 3, 2], 6)], 1)
  }

  private static func experts(_ add: GradientModes.Add) throws {
    let (x, router) = (try wave([1, 3, 4]), try wave([3, 3], 1))
    let (w, w3) = (try wave([3, 4, 4], 2), try wave([3, 4, 4], 4))
    let (b1, b2, b3) = (try wave([3, 4], 5), try wave([3, 4], 6), try wave([3, 4], 7))
    for activation in [
      MoE.Options.Activation.relu, .gelu, .silu, .identity, .swiglu,
    ] {
      var o = MoE.Options()
      (o.activation, o.count, o.normalizes) = (activation, 2, true)
      (o.alpha, o.beta) = (1.7, 0.5)
      add(
        "\(activation), gated, normalised", MoE(o),
        [x, router, w, b1, try wave([3, 4, 4], 3), b2, w3, b3], 1)
    }
    var halves = MoE.Options()
    (halves.activation, halves.fusion, halves.limit) = (.swiglu, 2, 0.9)
    add(
      "swiglu of halves, limited", MoE(halves),
      [x, router, w, b1, try wave([3, 4, 2], 3)], 1)
  }
}
