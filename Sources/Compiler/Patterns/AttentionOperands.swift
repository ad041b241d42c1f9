import Graphs
import Operators
import Tensors

/// Q, K and V of one attention, with the cache that K and V were put behind.
struct AttentionOperands {
  let query: HeadOperand
  /// What is new of K and V where there is a cache.
  let key: HeadOperand
  let value: HeadOperand
  let past: (key: ValueID, value: ValueID)?
  /// The cache with the new rows.
  let present: (key: ValueID, value: ValueID)?
  let keyFactor: Double
  /// Whether operands and result are `[S, N, W]`.
  let isSequenceFirst: Bool
  /// Whether only FusedAttention reads operands like these.
  let isFused: Bool

  /// - `q`: `[N, H, S, E]` or `[N * H, S, E]`; `k`: its last two axes swapped where
  ///   `isKeyTransposed`; `v`.
  /// - `masks`: what hides scores. A cache is left where it is if one of these is made of it: it
  ///   would be made by what it goes into.
  ///
  /// Nil where these are not heads of one batch.
  init?(
    _ g: GraphEditor, _ q: ValueID, _ k: ValueID, _ v: ValueID, masks: [ValueID],
    isKeyTransposed: Bool = true
  ) {
    let queries = HeadOperand.all(g, q).filter { $0.repeats == 1 }
    var keys = HeadOperand.all(g, k, isTransposed: isKeyTransposed)
    var values = HeadOperand.all(g, v).filter { $0.factor == 1 }
    var factor: Double?
    if let a = AttentionOperands.cached(g, keys), let b = AttentionOperands.cached(g, values),
      a.repeats == b.repeats, !g.isMade(masks + [q], of: [a.present, b.present])
    {
      past = (a.past, b.past)
      present = (a.present, b.present)
      factor = a.factor
      (keys, values) = (a.new, b.new)
    } else {
      past = nil
      present = nil
    }
    guard let (q, k, v) = AttentionOperands.choose(queries, keys, values) else { return nil }
    (query, key, value) = (q, k, v)
    keyFactor = factor ?? k.factor
    isSequenceFirst = [q, k, v].contains { $0.isSequenceFirst == true }
    isFused = isSequenceFirst || ![q, k, v].allSatisfy(\.isWhole)
  }

  private struct Cached {
    let past: ValueID
    let present: ValueID
    let repeats: Int
    let factor: Double
    let new: [HeadOperand]
  }

  /// A reading of heads that a Concat along the sequence made: the cache and the new rows.
  private static func cached(_ g: GraphEditor, _ list: [HeadOperand]) -> Cached? {
    for operand in list where operand.rank == 4 {
      guard let (node, concat) = g.made(operand.source, by: Concat.self),
        concat.axis == 2 || concat.axis == -2, g.node(node).inputs.count == 2,
        let past = g.input(node, 0), let new = g.input(node, 1), g.dims(past)?.count == 4
      else { continue }
      let readings = HeadOperand.all(g, new).filter { $0.factor == 1 && $0.repeats == 1 }
        .map { $0.repeated(operand.repeats) }
      if readings.isEmpty { continue }
      return Cached(
        past: past, present: operand.source, repeats: operand.repeats, factor: operand.factor,
        new: readings)
    }
    return nil
  }

  /// Readings that go together: all within tensors of rank 3 if that can be.
  private static func choose(
    _ queries: [HeadOperand], _ keys: [HeadOperand], _ values: [HeadOperand]
  ) -> (HeadOperand, HeadOperand, HeadOperand)? {
    func agree(_ q: HeadOperand, _ k: HeadOperand, _ v: HeadOperand) -> Bool {
      let orders = Set([q, k, v].compactMap(\.isSequenceFirst))
      return orders.count <= 1 && q.batch == k.batch && q.batch == v.batch
        && k.length == v.length && k.heads == v.heads && k.repeats == v.repeats
        && q.heads == k.heads * k.repeats && q.places.size == k.places.size
    }
    for q in queries where q.rank == 3 {
      for k in keys where k.rank == 3 {
        for v in values where v.rank == 3 && agree(q, k, v) { return (q, k, v) }
      }
    }
    func isPlain(_ x: HeadOperand) -> Bool { x.isWhole && x.isSequenceFirst != true }
    for q in queries where isPlain(q) {
      for k in keys where isPlain(k) {
        for v in values where isPlain(v) && agree(q, k, v) { return (q, k, v) }
      }
    }
    return nil
  }

  /// Adds the attention and makes what uses `output` use its result.
  func emit(
    _ g: GraphEditor, _ options: Attention.Options, mask: ValueID?, givesNaN: Bool,
    replacing output: ValueID, parts: [Int], by pass: String
  ) throws(EngineError) {
    guard let place = parts.last else { return }
    var o = options
    (o.queryHeads, o.keyHeads) = (query.heads, key.heads)
    let op: any Operator =
      isFused || givesNaN
      ? FusedAttention(
        o, [query.places, key.places, value.places], isSequenceFirst: isSequenceFirst,
        givesNaN: givesNaN)
      : Attention(o)
    var inputs: [ValueID?] = [query.source, key.source, value.source]
    if mask != nil || past != nil { inputs.append(mask) }
    if let past { inputs += [past.key, past.value] }
    let results = try g.add(
      op, inputs, outputs: past == nil ? 1 : 3, at: place, name: g.node(place).name)
    for i in parts { g.note(i, "\(pass): part of \(type(of: op).schema.name)") }
    if let present, results.count == 3 {
      g.replace(present.key, with: results[1])
      g.replace(present.value, with: results[2])
    }
    guard let y = results.first else { return }
    let merged = AttentionResult(
      value: y, output: output, batch: query.batch, length: query.length, heads: query.heads,
      size: value.places.size, isSequenceFirst: isSequenceFirst)
    if query.rank == 4 {
      g.replace(output, with: y)
    } else {
      try merged.replace(g, at: place)
    }
  }
}

extension HeadOperand {
  /// The same with each head standing for `n` neighbours.
  func repeated(_ n: Int) -> HeadOperand {
    var copy = self
    copy.repeats = n
    return copy
  }
}
