import Formats
import Graphs
import Operators
import Tensors

/// Elements cut off both ends of the spatial axes.
struct CroppingLayer: KerasLayer {
  let edges: [(before: Int, after: Int)]
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    edges = try config.edges("cropping")
    isFirst = try config.isChannelsFirst()
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return .id(
      try call.onSpace(x.id, isFirst: isFirst) { (y, from) throws(EngineError) in
        let used = edges.enumerated().filter { $1.before != 0 || $1.after != 0 }
        if used.isEmpty { return y }
        return try call.b.apply(
          Slice(),
          inputs: [
            y, try call.b.ints(used.map(\.element.before)),
            try call.b.ints(
              used.map { $0.element.after == 0 ? Int(Int64.max) : -$0.element.after }),
            try call.b.ints(used.map { $0.offset + from }),
          ])
      })
  }
}

extension KerasConfig {
  /// What is added to or cut off both ends of the spatial axes: a number, one an axis, or pairs.
  func edges(_ key: String) throws(EngineError) -> [(before: Int, after: Int)] {
    let rank = try ConvolutionOptions.rank(self)
    guard let value = self[key] else {
      return [(before: Int, after: Int)](repeating: (1, 1), count: rank)
    }
    func checked(_ value: JSONValue) throws(EngineError) -> Int {
      let n = try Self.int(value, key)
      guard n >= 0 else { throw Self.malformed("'\(key)' is negative", value) }
      return n
    }
    guard let items = Self.items(value) else {
      let n = try checked(value)
      return [(before: Int, after: Int)](repeating: (n, n), count: rank)
    }
    if rank == 1, items.count == 2 {
      return [(try checked(items[0]), try checked(items[1]))]
    }
    guard items.count == rank else { throw Self.malformed("'\(key)' needs \(rank) items", value) }
    var result: [(before: Int, after: Int)] = []
    for item in items {
      if let pair = Self.items(item) {
        guard pair.count == 2 else { throw Self.malformed("'\(key)' needs pairs", item) }
        result.append((try checked(pair[0]), try checked(pair[1])))
      } else {
        let n = try checked(item)
        result.append((n, n))
      }
    }
    return result
  }
}

extension LayerCall {
  /// Applies `change`, told the first spatial axis, where `x` lies channels first if it came from
  /// there.
  func onSpace(
    _ x: ValueID, isFirst: Bool, _ change: (ValueID, Int) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    if isFirst { return try change(x, 2) }
    guard let first = b.channelsFirstTwin(x) else { return try change(x, 1) }
    return try b.channelsLast(try change(first, 2))
  }
}
