import Graphs
import Tensors

extension GroupQueryAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    Few(try GroupQueryFormula(b, options, inputs).outputs(outputs))
  }
}

/// GroupQueryAttention with other operators: what its gradient follows from.
private struct GroupQueryFormula<B: Builder> {
  private let b: B
  private let o: GroupQueryAttention.Options
  private let inputs: Few<B.Value?>
  /// Elements of a head, and tokens of the step.
  private let (size, length): (Int, Int)
  private let pastRows: Int
  private let (total, capacity): (Int, Int)
  /// Of each sequence, int64 `[N, 1, 1, 1]`: the cache's row of the first new token, those that
  /// are no padding, and the length before the step.
  private let (starts, counts, past): (B.Value, B.Value, B.Value)

  init(
    _ b: B, _ o: GroupQueryAttention.Options, _ inputs: Few<B.Value?>
  ) throws(EngineError) {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    (self.b, self.o, self.inputs) = (b, o, inputs)
    guard let query = inputs[0], let given = optional(5), let sum = optional(6) else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let dims = b.fact(of: query).dims, let length = dims[1].known,
      let width = dims[2].known, let total = b.fact(of: sum).knownInts?.first
    else { throw EngineError(.notDifferentiable, "tokens, heads and lengths are not known") }
    (self.length, self.total) = (length, total)
    size = width / (optional(1) == nil ? o.heads + 2 * o.keyHeads : o.heads)
    if let cache = optional(3) {
      guard let rows = b.fact(of: cache).dims?[2].known else {
        throw EngineError(.notDifferentiable, "the rows of the cache are not known")
      }
      pastRows = rows
    } else {
      pastRows = 0
    }
    capacity = o.slides ? pastRows + length : max(pastRows, total)
    let all = try plus(
      b, reshape(b, b.apply(Cast(to: .int64), given), [-1, 1, 1, 1]),
      b.constant(Tensor(scalar: Int64(1))))
    if let valid = optional(16) {
      counts = try reshape(b, b.apply(Cast(to: .int64), valid), [-1, 1, 1, 1])
    } else {
      counts = try b.apply(Min(), all, b.constant(Tensor(scalar: Int64(length))))
    }
    past = try b.apply(Sub(), all, counts)
    starts = try GroupQueryFormula.resident(b, past, o, rows: pastRows)
  }

  /// Rows that a cache holds of a sequence of `n` tokens: a sliding one drops the oldest in steps.
  private static func resident(
    _ b: B, _ n: B.Value, _ o: GroupQueryAttention.Options, rows: Int
  ) throws(EngineError) -> B.Value {
    if !o.slides { return n }
    let step = rows - o.window + 1
    func number(_ n: Int) throws(EngineError) -> B.Value {
      try b.constant(Tensor(scalar: Int64(n)))
    }
    let beyond = try b.apply(Div(), plus(b, n, number(step - 1 - rows)), number(step))
    let dropped = try b.apply(Mul(), b.apply(Max(), beyond, number(0)), number(step))
    return try b.apply(Sub(), n, dropped)
  }

  private func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
  private func number(_ n: Int) throws(EngineError) -> B.Value {
    try b.constant(Tensor(scalar: Int64(n)))
  }
  /// 0, 1, ... under `shape`.
  private func counting(_ n: Int, _ shape: [Int]) throws(EngineError) -> B.Value {
    try b.constant(Tensor(shape: Shape(shape), (0..<n).map { Int64($0) }))
  }

  func outputs(_ count: Int) throws(EngineError) -> [B.Value] {
    guard let query = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    var rows: [B.Value] = []
    if let key = optional(1), let value = optional(2) {
      rows = [query, key, value]
    } else {
      let sizes = [o.heads, o.keyHeads, o.keyHeads].map { Int64($0 * size) }
      rows = try b.apply(
        Split(axis: 2), inputs: [query, try b.constant(Tensor(sizes))], outputs: 3
      ).array
    }
    var q = try headsApart(b, rows[0], o.heads)
    var k = try headsApart(b, rows[1], o.keyHeads)
    let v = try headsApart(b, rows[2], o.keyHeads)
    if let gain = optional(14) {
      q = try b.apply(RMSNormalization(axis: -1, epsilon: o.epsilons[0]), q, gain)
    }
    if let gain = optional(15) {
      k = try b.apply(RMSNormalization(axis: -1, epsilon: o.epsilons[1]), k, gain)
    }
    if o.isRotary { (q, k) = try turned(q, k) }
    let keys = try cache(k, optional(3))
    let values = try cache(v, optional(4))
    let (weights, shown) = try probabilities(q, keys)
    let y = try b.apply(MatMul(), weights, spread(values))
    var list = [try headsTogether(b, y)]
    if count > 1 { list.append(try present(keys)) }
    if count > 2 { list.append(try present(values)) }
    if count > 3 { list.append(try fitted(b, shown, axis: 3, total)) }
    return list
  }

  private func turned(
    _ q: B.Value, _ k: B.Value
  ) throws(EngineError) -> (B.Value, B.Value) {
    guard let cosines = optional(7), let sines = optional(8),
      let dims = b.fact(of: cosines).dims, let half = dims[1].known, let table = dims[0].known
    else { throw EngineError(.notDifferentiable, "the rotary caches' sizes are not known") }
    let steps = try counting(length, [1, length])
    var positions = try plus(b, reshape(b, past, [-1, 1]), steps)
    if let ids = optional(9) {
      positions = ids
      if total == length {
        let first = try slice(b, reshape(b, ids, [1, -1]), axis: 1, 0, 1)
        positions = try plus(
          b, plus(b, first, steps), b.apply(Sub(), positions, positions))
      }
    }
    // Padding stays within the tables.
    let isPadding = try b.apply(GreaterOrEqual(), steps, reshape(b, counts, [-1, 1]))
    let bounded = try b.apply(
      Max(), b.apply(Min(), positions, number(table - 1)), number(0))
    positions = try b.apply(Where(), isPadding, bounded, positions)
    func angles(_ cache: B.Value) throws(EngineError) -> B.Value {
      try b.apply(Unsqueeze(axes: [1]), b.apply(Gather(), cache, positions))
    }
    let (cos, sin) = (try angles(cosines), try angles(sines))
    func turn(_ x: B.Value) throws(EngineError) -> B.Value {
      try rotated(
        b, x, cos: cos, sin: sin, size: size, turned: 2 * half, isInterleaved: o.isInterleaved)
    }
    return (try turn(q), try turn(k))
  }

  /// The past `[N, G, P, E]` with the new rows in their places, `[N, G, capacity, E]`.
  private func cache(_ new: B.Value, _ old: B.Value?) throws(EngineError) -> B.Value {
    let place = try b.apply(Sub(), counting(capacity, [1, 1, capacity, 1]), starts)
    let last = try number(max(0, length - 1))
    let index = try b.apply(Max(), b.apply(Min(), place, last), number(0))
    let wide = try b.constant(Tensor([1, Int64(o.keyHeads), 1, Int64(size)]))
    let fresh = try b.apply(
      GatherElements(axis: 2), new, b.apply(Expand(), index, wide))
    let isNew = try b.apply(
      And(), b.apply(GreaterOrEqual(), place, number(0)), b.apply(Less(), place, counts))
    let before =
      if let old { try fitted(b, old, axis: 2, capacity) } else { try zeros(b, like: fresh) }
    return try b.apply(Where(), isNew, fresh, before)
  }

  /// What a cache leaves: a sliding one its last rows only.
  private func present(_ cache: B.Value) throws(EngineError) -> B.Value {
    if !o.slides { return cache }
    let valid = try plus(b, starts, counts)
    let kept = try GroupQueryFormula.resident(b, plus(b, past, counts), o, rows: pastRows)
    let row = try counting(pastRows, [1, 1, pastRows, 1])
    let from = try plus(b, row, b.apply(Sub(), valid, kept))
    let index = try b.apply(Min(), from, number(capacity - 1))
    let wide = try b.constant(Tensor([1, Int64(o.keyHeads), 1, Int64(size)]))
    let rows = try b.apply(GatherElements(axis: 2), cache, b.apply(Expand(), index, wide))
    return try masked(b, rows, where: b.apply(Less(), row, kept))
  }

  /// Each key head for all the query heads that it serves.
  private func spread(_ x: B.Value) throws(EngineError) -> B.Value {
    if o.heads == o.keyHeads { return x }
    let shape = try b.constant(Tensor([1, 1, Int64(o.heads / o.keyHeads), 1, 1]))
    let wide = try b.apply(Expand(), b.apply(Unsqueeze(axes: [2]), x), shape)
    return try reshape(b, wide, [0, o.heads, -1, size])
  }

  /// Probabilities over the cache, and the scores or probabilities that are put out.
  private func probabilities(
    _ q: B.Value, _ keys: B.Value
  ) throws(EngineError) -> (B.Value, B.Value) {
    let factor = o.scale.map { Double($0) } ?? 1 / Double(size).squareRoot()
    var scores = try b.apply(
      MatMul(), times(b, q, factor), b.apply(Transpose(perm: [0, 1, 3, 2]), spread(keys)))
    if o.softcap > 0 {
      let cap = Double(o.softcap)
      scores = try times(b, b.apply(Tanh(), times(b, scores, 1 / cap)), cap)
    }
    let key = try counting(capacity, [1, 1, 1, capacity])
    let own = try plus(b, counting(length, [1, 1, length, 1]), starts)
    var seen = try b.apply(Less(), key, plus(b, starts, counts))
    if o.isCausal { seen = try b.apply(And(), seen, b.apply(LessOrEqual(), key, own)) }
    if o.window >= 0 {
      let first = try b.apply(Sub(), own, number(max(0, o.window - 1)))
      seen = try b.apply(And(), seen, b.apply(GreaterOrEqual(), key, first))
    }
    if let bias = optional(10) {
      scores = try plus(b, scores, fitted(b, cast(b, bias, like: scores), axis: 3, capacity))
      if total < capacity { seen = try b.apply(And(), seen, b.apply(Less(), key, number(total))) }
    }
    let isHalf = b.fact(of: scores).dtype == .float16
    var row = try b.apply(
      Where(), seen, scores, scalar(b, isHalf ? -6e4 : -1e30, like: scores))
    if o.isSmooth || optional(11) != nil {
      let sink =
        if let given = optional(11) {
          try reshape(b, given, [1, -1, 1, 1])
        } else { try reshape(b, scalar(b, 0, like: scores), [1, 1, 1, 1]) }
      let column = try slice(b, row, axis: 3, 0, 1)
      let added = try plus(b, b.apply(Sub(), column, column), cast(b, sink, like: scores))
      row = try b.apply(Concat(axis: 3), inputs: [row, added])
    }
    let soft = try slice(b, b.apply(Softmax(), row), axis: 3, 0, capacity)
    let weights = try masked(b, soft, where: seen)
    return (weights, o.scoreOutput == 2 ? weights : try masked(b, scores, where: seen))
  }
}
