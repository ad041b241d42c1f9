import Graphs
import Tensors

/// Attention of com.microsoft after its projections, with other operators: what the gradients of its
/// operators follow from.
struct HeadsFormula {
  let scale: Float?
  let filter: Float
  let isCausal: Bool

  /// Output `[N, S, H * E]`, the keys and values with the past, and the scores with masks, as many
  /// as `outputs` asks for. Operands are `[N, H, ..., E]`.
  func attend<B: Builder>(
    _ b: B, q: B.Value, k: B.Value, v: B.Value, mask: B.Value?, bias: B.Value?, pastKey: B.Value?,
    pastValue: B.Value?, outputs: Int
  ) throws(EngineError) -> [B.Value] {
    var options = Attention.Options()
    options.scale = scale
    options.isCausal = isCausal
    options.scoreMode = 2
    var added = bias
    if let mask {
      var keys = k
      if let pastKey { keys = try b.apply(Concat(axis: 2), pastKey, k) }
      let hidden = try times(b, hides(b, mask, keys, like: q), Double(filter))
      added = if let bias { try plus(b, bias, hidden) } else { hidden }
    }
    let made = try b.apply(
      Attention(options), inputs: [q, k, v, added, pastKey, pastValue], outputs: outputs)
    return [try headsTogether(b, made[0])] + made.array.dropFirst()
  }

  /// 1 where a mask in one of the forms of `PaddingMask` hides a key, else 0, `[N, 1, 1 or S, T]`.
  private func hides<B: Builder>(
    _ b: B, _ mask: B.Value, _ keys: B.Value, like x: B.Value
  ) throws(EngineError) -> B.Value {
    let dims = b.fact(of: mask).dims ?? []
    switch dims.count {
    case 1 where dims.first == b.fact(of: x).dims?.first:
      let length = try b.apply(Cast(to: .int64), reshape(b, mask, [-1, 1, 1, 1]))
      return try cast(
        b, b.apply(GreaterOrEqual(), places(b, keys, axis: 2), length), like: x)
    case 2, 3:
      let shape = dims.count == 2 ? [0, 1, 1, -1] : [0, 1, -1, 0]
      let axes = dims.count == 2 ? [1, 2] : [1]
      _ = shape
      let wide = try b.apply(Unsqueeze(axes: axes), mask)
      return try minus(b, 1, cast(b, wide, like: x))
    default:
      throw EngineError(
        .notDifferentiable, "the mask has a form without a formula",
        expected: "[N], [N, T] or [N, S, T]", received: "\(dims)")
    }
  }
}

extension MultiHeadAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let query = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    guard optional(8) == nil, optional(9) == nil else {
      throw EngineError(.notDifferentiable, "a cache that is shared or mixed")
    }
    let n = options.heads
    /// The `i`-th of the parts side by side before the last axis, `[N, S, H, parts, E]`, as rows.
    func part(_ x: B.Value, _ i: Int) throws(EngineError) -> B.Value {
      try reshape(b, b.apply(Squeeze(axes: [3]), slice(b, x, axis: 3, i, i + 1)), [0, 0, -1])
    }
    let rank = try knownRank(b, query)
    var (q, key, value) = (query, optional(1), optional(2))
    var isHeaded = false
    if rank == 5 {
      q = try part(query, 0)
      (key, value) = (try part(query, 1), try part(query, 2))
    } else if let pair = key, value == nil {
      (key, value) = (try part(pair, 0), try part(pair, 1))
    } else if let given = key {
      isHeaded = try knownRank(b, given) == 4
    } else {
      let parts = try b.apply(Split(axis: 2, parts: 3), inputs: [query], outputs: 3)
      q = parts[0]
      (key, value) = (parts[1], parts[2])
    }
    guard var k = key, var v = value else {
      throw EngineError(.arity, "keys or values are missing")
    }
    if let bias = optional(3) {
      guard let width = b.fact(of: q).dims?.last?.known,
        let whole = b.fact(of: bias).dims?.first?.known
      else { throw EngineError(.notDifferentiable, "the sizes of the heads are not known") }
      q = try plus(b, q, slice(b, bias, axis: 0, 0, width))
      if !isHeaded {
        k = try plus(b, k, slice(b, bias, axis: 0, width, 2 * width))
        v = try plus(b, v, slice(b, bias, axis: 0, 2 * width, whole))
      }
    }
    q = try headsApart(b, q, n)
    if !isHeaded { (k, v) = (try headsApart(b, k, n), try headsApart(b, v, n)) }
    let formula = HeadsFormula(
      scale: options.scale, filter: options.filter, isCausal: options.isUnidirectional)
    return Few(
      try formula.attend(
        b, q: q, k: k, v: v, mask: optional(4), bias: optional(5), pastKey: optional(6),
        pastValue: optional(7), outputs: outputs))
  }
}

extension ContribAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let x = inputs[0], let weights = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard !options.sharesBuffer, let width = b.fact(of: weights).dims?[1].known else {
      throw EngineError(.notDifferentiable, "a shared cache, or weights of unknown size")
    }
    var projected = try b.apply(MatMul(), x, weights)
    if let bias = optional(2) { projected = try plus(b, projected, bias) }
    let sizes = options.sizes ?? [width / 3, width / 3, width / 3]
    let parts = try b.apply(
      Split(axis: 2), inputs: [projected, try b.constant(Tensor(sizes.map { Int64($0) }))],
      outputs: 3)
    var heads: [B.Value] = []
    for i in 0..<3 { heads.append(try headsApart(b, parts[i], options.heads)) }
    var past: (key: B.Value?, value: B.Value?) = (nil, nil)
    if let cache = optional(4) {
      past = (
        try b.apply(Squeeze(axes: [0]), slice(b, cache, axis: 0, 0, 1)),
        try b.apply(Squeeze(axes: [0]), slice(b, cache, axis: 0, 1, 2))
      )
    }
    let formula = HeadsFormula(
      scale: options.scale, filter: options.filter, isCausal: options.isUnidirectional)
    let made = try formula.attend(
      b, q: heads[0], k: heads[1], v: heads[2], mask: optional(3), bias: optional(5),
      pastKey: past.key, pastValue: past.value, outputs: outputs > 1 ? 3 : 1)
    if outputs < 2 { return Few(made[0]) }
    let pair = [
      try b.apply(Unsqueeze(axes: [0]), made[1]), try b.apply(Unsqueeze(axes: [0]), made[2]),
    ]
    return Few(made[0], try b.apply(Concat(axis: 0), inputs: pair))
  }
}
