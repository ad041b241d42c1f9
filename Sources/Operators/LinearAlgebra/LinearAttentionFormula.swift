import Graphs
import Tensors

extension LinearAttention {
  /// Token by token, as the definition says; so the number of tokens must be known.
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let query = inputs[0], let key = inputs[1], let value = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let dims = b.fact(of: query).dims, let tokens = dims[1].known, tokens > 0,
      let width = dims[2].known
    else { throw EngineError(.notDifferentiable, "the number of tokens and their size") }
    let factor =
      scale != 0 ? Double(scale) : 1 / Double(max(1, width / queryHeads)).squareRoot()
    // The state is held in float32 at least.
    let dtype = b.fact(of: query).dtype
    func wide(_ x: B.Value) throws(EngineError) -> B.Value {
      let own = b.fact(of: x).dtype
      return own == .float16 || own == .bfloat16 || own != dtype && dtype != .float64
        ? try b.apply(Cast(to: .float32), x) : try cast(b, x, like: query)
    }
    /// Token `t` of `x` under the sizes that follow the batch.
    func token(_ x: B.Value, _ t: Int, _ sizes: [Int]) throws(EngineError) -> B.Value {
      try reshape(b, slice(b, x, axis: 1, t, t + 1), [0] + sizes)
    }
    let (q, k, v) = (try wide(query), try wide(key), try wide(value))
    let decays = try optional(4).map(wide)
    let rates = try optional(5).map(wide)
    var state = try optional(3).map(wide)
    var rows: [B.Value] = []
    for t in 0..<tokens {
      let column = try token(k, t, [keyHeads, -1, 1])
      var update = try token(v, t, [keyHeads, 1, -1])
      if let decays, let old = state {
        let kept = try b.apply(Exp(), token(decays, t, [keyHeads, -1, 1]))
        state = try times(b, old, kept)
      }
      if let rates {
        if let old = state {
          update = try minus(b, update, b.apply(MatMul(), turned(b, column), old))
        }
        update = try times(b, token(rates, t, [-1, 1, 1]), update)
      }
      let product = try times(b, column, update)
      let next = if let old = state { try plus(b, old, product) } else { product }
      state = next
      let asked = try token(q, t, [keyHeads, queryHeads / keyHeads, -1])
      let read = try times(b, b.apply(MatMul(), asked, next), factor)
      rows.append(try reshape(b, read, [0, 1, -1]))
    }
    guard let last = state else { throw EngineError(.shape, "no tokens") }
    let y = try cast(b, b.apply(Concat(axis: 1), inputs: rows), like: query)
    if outputs < 2 { return Few(y) }
    return Few(y, try cast(b, last, like: optional(3) ?? query))
  }
}
