import Graphs
import Tensors

/// Tensors joined along an axis.
enum TFJoins {
  static let operators: [TFOperator] = [
    TFOperator("ConcatV2") { (c) throws(EngineError) in
      try joined(c, try c.tensors(dropLast: 1), try c.int(max(0, c.inputs.count - 1)))
    },
    TFOperator("Concat") { (c) throws(EngineError) in
      try joined(c, try c.tensors(from: 1), try c.int(0))
    },
    TFOperator("Pack") { (c) throws(EngineError) in
      let b = c.b
      let parts = try c.tensors()
      guard let first = parts.first else {
        throw EngineError(.invalidModel, "nothing is packed")
      }
      let axis = try c.axis(try c.a.int("axis", 0), rank: try b.rank(first) + 1)
      return try b.concat(
        try parts.map { (p) throws(EngineError) in try b.unsqueeze(p, [axis]) }, axis: axis)
    },
  ]

  private static func joined(
    _ c: TFCall, _ parts: [ValueID], _ place: Int
  ) throws(EngineError) -> ValueID {
    guard let first = parts.first else { throw EngineError(.invalidModel, "nothing is joined") }
    return try c.b.joined(parts, axis: try c.axis(place, rank: try c.b.rank(first)))
  }
}
