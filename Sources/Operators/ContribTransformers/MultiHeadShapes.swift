import Graphs
import Tensors

/// The forms in which query, key and value come to com.microsoft's multi-head operators.
enum MultiHeadShapes {
  /// Which form, by the inputs' ranks.
  enum Form: Sendable {
    /// `[N, S, D]`, `[N, L, D]`, `[N, L, Dv]`.
    case separate
    /// Keys and values `[N, H, L, E]`.
    case headed
    /// Keys hold the values: `[N, L, H, 2, E]`.
    case pairs
    /// The query holds all: `[N, S, H, 3, E]`, or `[N, 1, 2 D + Dv]` where the key is absent.
    case packed
  }

  /// Errors: `.shape` for ranks of no form; `.arity` for a missing key or value.
  static func form(query: Int, key: Int?, value: Int?) throws(EngineError) -> Form {
    switch (query, key, value) {
    case (5, nil, nil), (3, nil, nil): return .packed
    case (3, 5, nil): return .pairs
    case (3, 3, 3): return .separate
    case (3, 4, 4): return .headed
    default:
      throw EngineError(
        .shape, "query, key and value come in no form that attention takes",
        expected: "ranks 3, 3, 3; 3, 4, 4; 3, 5 and none; or 5 alone",
        received: "\(query), \(key.map { "\($0)" } ?? "none"), \(value.map { "\($0)" } ?? "none")")
    }
  }

  static func infer(
    _ c: Inference, heads: Int, pastKey: Int, sharesBuffer: Bool
  ) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    guard c.has(pastKey) == c.has(pastKey + 1) else {
      throw EngineError(.arity, "past_key and past_value come together")
    }
    let unknown = [Fact(dtype, nil), Fact(dtype, nil), Fact(dtype, nil), Fact(dtype, nil)]
    guard let q = c.dims(0), !c.has(1) || c.dims(1) != nil, !c.has(2) || c.dims(2) != nil else {
      return unknown
    }
    let (k, v) = (c.dims(1), c.dims(2))
    try checkRank(c.dims(pastKey), 4, "past_key")
    try checkRank(c.dims(pastKey + 1), 4, "past_value")
    let n = Dim(heads)
    let form = try form(query: q.count, key: k?.count, value: v?.count)
    let (length, size, valueSize): (Dim, Dim, Dim)
    switch form {
    case .packed where q.count == 5: (length, size, valueSize) = (q[1], q[4], q[4])
    case .packed: (length, size, valueSize) = (q[1], q[2] / Dim(3 * heads), q[2] / Dim(3 * heads))
    case .pairs: (length, size, valueSize) = (k?[1] ?? 0, q[2] / n, q[2] / n)
    case .separate: (length, size, valueSize) = (k?[1] ?? 0, q[2] / n, (v?[2] ?? 0) / n)
    case .headed: (length, size, valueSize) = (k?[2] ?? 0, q[2] / n, v?[3] ?? 0)
    }
    var rows = length
    let past = c.has(pastKey) ? c.dims(pastKey)?[2] ?? c.unknown() : nil
    if let past { rows = sharesBuffer ? past : past + length }
    let total = sharesBuffer ? c.unknown() : rows
    var scores = [q[0], n, q[1], total]
    if sharesBuffer, let valid = c.ints(pastKey + 2)?.first {
      scores[3] = Dim(valid) + length
    }
    return [
      Fact(dtype, [q[0], q[1], n * valueSize]), Fact(dtype, [q[0], n, rows, size]),
      Fact(dtype, [q[0], n, rows, valueSize]), Fact(dtype, scores),
    ]
  }
}
