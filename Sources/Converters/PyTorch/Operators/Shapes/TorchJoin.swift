import Graphs
import Operators
import Tensors

/// Tensors joined along an axis.
enum TorchJoin {
  static let operators: [TorchOperator] = [
    .one("aten.cat.default") { (c) throws(EngineError) in try join(c) },
    .one("aten.concat.default") { (c) throws(EngineError) in try join(c) },
    .one("aten.concatenate.default") { (c) throws(EngineError) in try join(c) },
    .one("aten.stack.default") { (c) throws(EngineError) in
      var parts: [ValueID?] = []
      let dim = try c.int("dim", 0)
      for x in try same(c) {
        parts.append(try c.unsqueezed(x, [try c.axis(dim, try c.rank(x) + 1)]))
      }
      guard let first = parts.first.flatMap({ $0 }) else { throw none() }
      return try c.builder.apply(Concat(axis: try c.axis(dim, try c.rank(first))), inputs: parts)
    },
    .one("aten.hstack.default") { (c) throws(EngineError) in
      let parts = try same(c)
      guard let first = parts.first else { throw none() }
      return try c.builder.apply(
        Concat(axis: try c.rank(first) == 1 ? 0 : 1), inputs: parts.map { $0 })
    },
    .one("aten.vstack.default") { (c) throws(EngineError) in
      var parts: [ValueID?] = []
      for x in try same(c) { parts.append(try c.rank(x) == 1 ? try c.unsqueezed(x, [0]) : x) }
      return try c.builder.apply(Concat(axis: 0), inputs: parts)
    },
    TorchOperator("aten.meshgrid.indexing") { (c) throws(EngineError) in try mesh(c) },
    TorchOperator("aten.meshgrid.default") { (c) throws(EngineError) in try mesh(c) },
    TorchOperator("aten.broadcast_tensors.default") { (c) throws(EngineError) in
      let list = try c.tensors("tensors")
      guard let first = list.first else { throw none() }
      // A shape that all agree on, by adding up zeros of them.
      var sum = try c.mul(try c.cast(first, .float32), 0)
      for x in list.dropFirst() { sum = try c.add(sum, try c.mul(try c.cast(x, .float32), 0)) }
      let sizes = try c.sizes(of: sum)
      var results: [TorchValue] = []
      for x in list { results.append(.tensor(try c.expanded(x, sizes))) }
      return results
    },
  ]

  private static func none() -> EngineError {
    EngineError(.malformed, "no tensors are joined")
  }

  /// The tensors in the type that holds all.
  private static func same(_ c: TorchCall) throws(EngineError) -> [ValueID] {
    var parts: [ValueID] = []
    for x in try c.tensors("tensors") { parts.append(try c.cast(x, try c.result())) }
    return parts
  }

  private static func join(_ c: TorchCall) throws(EngineError) -> ValueID {
    var parts = try same(c)
    // An empty vector joins with anything.
    if let rank = try parts.map({ (x) throws(EngineError) in try c.rank(x) }).max(), rank > 1 {
      var kept: [ValueID] = []
      for x in parts {
        let dims = try c.dims(x)
        if dims.count != 1 || dims.first?.known != 0 { kept.append(x) }
      }
      parts = kept
    }
    guard let first = parts.first else { throw none() }
    if parts.count == 1 { return first }
    return try c.builder.apply(
      Concat(axis: try c.axis(try c.int("dim", 0), try c.rank(first))), inputs: parts.map { $0 })
  }

  /// Each vector laid along its own axis of a common grid.
  private static func mesh(_ c: TorchCall) throws(EngineError) -> [TorchValue] {
    let list = try c.tensors("tensors")
    let swaps = c.text("indexing", "ij") == "xy" && list.count > 1
    var sizes: [TorchSize] = []
    for x in list {
      sizes.append(try c.rank(x) == 0 ? .known(1) : try c.size(of: x, 0))
    }
    if swaps { sizes.swapAt(0, 1) }
    var results: [TorchValue] = []
    for (i, x) in list.enumerated() {
      let place = swaps && i < 2 ? 1 - i : i
      var own = Array(repeating: TorchSize.known(1), count: list.count)
      own[place] = sizes[place]
      results.append(.tensor(try c.expanded(try c.reshaped(x, own), sizes)))
    }
    return results
  }
}
