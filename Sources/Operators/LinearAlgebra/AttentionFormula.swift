import Graphs
import Tensors

extension Attention {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    var plain = Options()
    (plain.isCausal, plain.scale) = (options.isCausal, options.scale)
    let heads = (0..<3).map { i in
      i < g.inputs.count ? g.inputs[i].flatMap { b.fact(of: $0).dims } : nil
    }
    let isPlain =
      options == plain && !(3..<7).contains { g.has($0) }
      && !g.upstreams.array.dropFirst().contains { $0 != nil }
      && heads.allSatisfy { $0?.count == 4 && $0?[1] == heads[0]?[1] }
    guard isPlain, let up = g.upstreams[0] else { return try gradientOfFormula(b, &g) }
    let op = AttentionGradient(isCausal: options.isCausal, scale: options.scale)
    let made = try b.apply(
      op, inputs: [try g.input(0), try g.input(1), try g.input(2), up], outputs: 3)
    for i in 0..<3 where g.needs(i) { g.give(i, made[i]) }
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let q0 = inputs[0], let k0 = inputs[1], let v0 = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    let isFlat = try knownRank(b, q0) == 3
    func apart(_ x: B.Value, _ heads: Int?) throws(EngineError) -> B.Value {
      try knownRank(b, x) == 3 ? headsApart(b, x, heads) : x
    }
    let q = try apart(q0, options.queryHeads)
    var (k, v) = (try apart(k0, options.keyHeads), try apart(v0, options.keyHeads))
    if let past = optional(4) { k = try b.apply(Concat(axis: 2), inputs: [past, k]) }
    if let past = optional(5) { v = try b.apply(Concat(axis: 2), inputs: [past, v]) }
    let present = (k, v)
    guard let heads = b.fact(of: q).dims?[1].known, let keyHeads = b.fact(of: k).dims?[1].known,
      let size = b.fact(of: q).dims?[3].known, let valueSize = b.fact(of: v).dims?[3].known
    else { throw EngineError(.notDifferentiable, "the heads and their sizes are not known") }
    if heads != keyHeads {
      k = try repeated(b, k, keyHeads, heads, size)
      v = try repeated(b, v, keyHeads, heads, valueSize)
    }
    let scale = options.scale.map { Double($0) } ?? 1 / Double(max(1, size)).squareRoot()
    var scores = try b.apply(MatMul(), times(b, q, scale), turned(b, k))
    var shown = scores
    if options.softcap != 0 {
      let cap = Double(options.softcap)
      scores = try times(b, b.apply(Tanh(), times(b, scores, 1 / cap)), cap)
    }
    if options.scoreMode == 1 { shown = scores }
    var seen = try visible(b, q: q, k: k, past: optional(4), lengths: optional(6))
    if let mask = optional(3) {
      var limit = try wholeMask(b, mask, k, like: scores)
      if b.fact(of: mask).dtype != .bool {
        scores = try plus(b, scores, limit)
        // An infinite mask hides a key like a false one.
        limit = try isGreater(b, scores, -3e38)
      }
      seen = if let old = seen { try b.apply(And(), old, limit) } else { limit }
    }
    if options.scoreMode == 2 {
      shown = scores
      if let seen {
        shown = try b.apply(Where(), seen, scores, scalar(b, -.infinity, like: scores))
      }
    }
    var weights: B.Value
    if let seen {
      let isHalf = b.fact(of: scores).dtype == .float16
      let low = try scalar(b, isHalf ? -6e4 : -1e30, like: scores)
      let soft = try b.apply(Softmax(), b.apply(Where(), seen, scores, low))
      weights = try masked(b, soft, where: seen)
    } else {
      weights = try b.apply(Softmax(), scores)
    }
    if options.scoreMode == 3 { shown = weights }
    let y = try b.apply(MatMul(), cast(b, weights, like: v), v)
    let results = [
      try cast(b, isFlat ? headsTogether(b, y) : y, like: q0), present.0, present.1, shown,
    ]
    return Few(Array(results.prefix(outputs)))
  }

  /// Each key head for all the query heads that it serves.
  private func repeated<B: Builder>(
    _ b: B, _ x: B.Value, _ keyHeads: Int, _ heads: Int, _ size: Int
  ) throws(EngineError) -> B.Value {
    let shape = try b.constant(Tensor([1, 1, Int64(heads / max(1, keyHeads)), 1, 1]))
    let wide = try b.apply(Expand(), b.apply(Unsqueeze(axes: [2]), x), shape)
    return try reshape(b, wide, [0, heads, -1, size])
  }

  /// Which keys a query sees by its place, `[Sq, T]` or `[N, 1, Sq, T]`; nil where all.
  private func visible<B: Builder>(
    _ b: B, q: B.Value, k: B.Value, past: B.Value?, lengths: B.Value?
  ) throws(EngineError) -> B.Value? {
    var seen: B.Value?
    func demand(_ mask: B.Value) throws(EngineError) {
      seen = if let old = seen { try b.apply(And(), old, mask) } else { mask }
    }
    let keys = try places(b, k, axis: 2)
    var perBatch: B.Value?
    if let lengths {
      let wide = try reshape(b, lengths, [-1, 1, 1, 1])
      perBatch = wide
      try demand(b.apply(Less(), keys, wide))
    }
    guard options.isCausal || options.leftWindow >= 0 || options.rightWindow >= 0 else {
      return seen
    }
    var center = try reshape(b, places(b, q, axis: 2), [-1, 1])
    if let perBatch {
      center = try plus(b, center, b.apply(Sub(), perBatch, size(b, q, 2)))
    } else if let past {
      center = try plus(b, center, size(b, past, 2))
    }
    func number(_ n: Int) throws(EngineError) -> B.Value {
      try b.constant(Tensor(scalar: Int64(n)))
    }
    if options.isCausal { try demand(b.apply(LessOrEqual(), keys, center)) }
    if options.leftWindow >= 0 {
      try demand(
        b.apply(GreaterOrEqual(), keys, b.apply(Sub(), center, number(options.leftWindow))))
    }
    if options.rightWindow >= 0 {
      try demand(b.apply(LessOrEqual(), keys, plus(b, center, number(options.rightWindow))))
    }
    return seen
  }

  /// The mask over all keys: those behind its last axis are hidden.
  private func wholeMask<B: Builder>(
    _ b: B, _ mask: B.Value, _ k: B.Value, like scores: B.Value
  ) throws(EngineError) -> B.Value {
    let isBool = b.fact(of: mask).dtype == .bool
    let own = try isBool ? mask : cast(b, mask, like: scores)
    let rank = try knownRank(b, mask)
    if let n = b.fact(of: mask).dims?[rank - 1], n == b.fact(of: k).dims?[2] { return own }
    let missing = try b.apply(Sub(), size(b, k, 2), size(b, mask, rank - 1))
    let axis = try b.constant(Tensor([Int64(rank - 1)]))
    let pads = try b.apply(
      Concat(axis: 0), inputs: [try b.constant(Tensor([0] as [Int64])), missing])
    let hidden: B.Value? = isBool ? nil : try scalar(b, -.infinity, like: scores)
    return try b.apply(Pad(), inputs: [own, pads, hidden, axis])
  }
}
