import Formats
import Graphs
import Operators
import Tensors

/// Operations that move elements without changing them.
extension OperationLayer {
  private static func joined(_ axis: Int?) -> Rule {
    { (c) throws(EngineError) in
      guard let value = c.argument(0, "xs"), case .list(let items) = value else {
        throw EngineError(.malformed, "operation '\(c.name)' joins no list")
      }
      let list = try c.promoted(items)
      let rank = try c.rank(list[0])
      let given = try c.integer(1, "axis", default: 0)
      let place = axis ?? given
      return .id(try c.joined(list, axis: try c.axis(place, rank: rank)))
    }
  }

  static let shaping: [String: Rule] = [
    "Concatenate": joined(nil), "Vstack": joined(0), "Hstack": joined(1),
    "Stack": { (c) throws(EngineError) in
      guard let value = c.argument(0, "x"), case .list(let items) = value else {
        throw EngineError(.malformed, "operation '\(c.name)' stacks no list")
      }
      let list = try c.promoted(items)
      let axis = try c.axis(
        try c.integer(1, "axis", default: 0), rank: try c.rank(list[0]) + 1)
      var grown: [ValueID] = []
      for x in list { grown.append(try c.unsqueeze(x, [axis])) }
      return .id(try c.concat(grown, axis: axis))
    },
    "Unstack": { (c) throws(EngineError) in
      let x = try c.operand()
      let axis = try c.axis(try c.integer(2, "axis", default: 0), rank: try c.rank(x))
      let parts = try c.split(x, axis: axis, Array(repeating: 1, count: try c.size(x, axis)))
      var list: [KerasValue] = []
      for part in parts { list.append(.id(try c.squeeze(part, [axis]))) }
      return .list(list)
    },
    "Split": { (c) throws(EngineError) in
      let x = try c.operand()
      let axis = try c.axis(try c.integer(2, "axis", default: 0), rank: try c.rank(x))
      let n = try c.size(x, axis)
      guard let value = c.plain(1, "indices_or_sections") else {
        throw EngineError(.malformed, "operation '\(c.name)' has no sections")
      }
      var sizes: [Int] = []
      if let items = KerasConfig.items(value) {
        var before = 0
        for item in items {
          let at = Swift.min(Swift.max(try KerasConfig.int(item, "indices"), before), n)
          sizes.append(at - before)
          before = at
        }
        sizes.append(n - before)
      } else {
        let count = try KerasConfig.int(value, "sections")
        guard count > 0, n % count == 0 else {
          throw EngineError(.malformed, "operation '\(c.name)' cuts \(n) into \(count)")
        }
        sizes = [Int](repeating: n / count, count: count)
      }
      return .list(try c.split(x, axis: axis, sizes).map { .id($0) })
    },
    "Reshape": { (c) throws(EngineError) in
      let x = try c.operand()
      guard let sizes = try c.axes(1, "newshape") else { throw c.unsupported("an open shape") }
      return .id(try c.reshaped(x, sizes))
    },
    "Ravel": { (c) throws(EngineError) in .id(try c.reshape(try c.operand(), [-1])) },
    "ExpandDims": { (c) throws(EngineError) in
      .id(try c.unsqueeze(try c.operand(), try c.axes() ?? [0]))
    },
    "Squeeze": { (c) throws(EngineError) in
      let x = try c.operand()
      if let axes = try c.axes() { return .id(try c.squeeze(x, axes)) }
      let dims = try c.dims(x)
      return .id(try c.squeeze(x, dims.indices.filter { dims[$0].known == 1 }))
    },
    "Transpose": { (c) throws(EngineError) in
      let x = try c.operand()
      let rank = try c.rank(x)
      var perm: [Int] = []
      for a in try c.axes(1, "axes") ?? Array((0..<rank).reversed()) {
        perm.append(try c.axis(a, rank: rank))
      }
      return .id(try c.transpose(x, perm))
    },
    "Swapaxes": { (c) throws(EngineError) in
      let x = try c.operand()
      var perm = Array(0..<(try c.rank(x)))
      let i = try c.axis(try c.integer(1, "axis1", default: 0), rank: perm.count)
      let j = try c.axis(try c.integer(2, "axis2", default: 1), rank: perm.count)
      perm.swapAt(i, j)
      return .id(try c.transpose(x, perm))
    },
    "Moveaxis": { (c) throws(EngineError) in
      let x = try c.operand()
      let rank = try c.rank(x)
      var (from, to) = ([Int](), [Int]())
      for a in try c.axes(1, "source") ?? [] { from.append(try c.axis(a, rank: rank)) }
      for a in try c.axes(2, "destination") ?? [] { to.append(try c.axis(a, rank: rank)) }
      guard from.count == to.count else { throw c.unsupported("axes of unequal number") }
      var perm = (0..<rank).filter { !from.contains($0) }
      for (d, s) in zip(to, from).sorted(by: { $0.0 < $1.0 }) {
        perm.insert(s, at: Swift.min(d, perm.count))
      }
      return .id(try c.transpose(x, perm))
    },
    "BroadcastTo": { (c) throws(EngineError) in
      let x = try c.operand()
      guard let sizes = try c.axes(1, "shape") else { throw c.unsupported("an open shape") }
      return .id(try c.b.apply(Expand(), x, try c.b.ints(sizes)))
    },
    "Tile": { (c) throws(EngineError) in
      var x = try c.operand()
      var counts = try c.axes(1, "repeats") ?? []
      let rank = try c.rank(x)
      if counts.count < rank {
        counts = [Int](repeating: 1, count: rank - counts.count) + counts
      } else if counts.count > rank {
        x = try c.unsqueeze(x, Array(0..<(counts.count - rank)))
      }
      return .id(try c.b.apply(Tile(), x, try c.b.ints(counts)))
    },
    "Repeat": { (c) throws(EngineError) in
      var x = try c.operand()
      var axis = 0
      if let axes = try c.axes(2, "axis") { axis = axes[0] } else { x = try c.reshape(x, [-1]) }
      let n = try c.size(x, axis)
      let counts = try c.axes(1, "repeats") ?? [1]
      guard counts.count == 1 || counts.count == n,
        counts.allSatisfy({ (0...1 << 20).contains($0) })
      else { throw c.unsupported("it repeats \(counts)") }
      let places = (0..<n).flatMap { i in
        [Int](repeating: i, count: counts.count == 1 ? counts[0] : counts[i])
      }
      return .id(try c.b.apply(Gather(axis: axis), x, try c.b.ints(places)))
    },
    "Flip": { (c) throws(EngineError) in
      var x = try c.operand()
      for a in try c.axes(of: x) {
        x = try c.slice(x, axis: a, from: -1, step: -1)
      }
      return .id(x)
    },
    "Roll": { (c) throws(EngineError) in
      var x = try c.operand()
      guard let axes = try c.axes(2, "axis"), let shifts = try c.axes(1, "shift"),
        axes.count == shifts.count
      else { throw c.unsupported("it rolls over all axes at once") }
      for (a, shift) in zip(axes, shifts) {
        let n = try c.size(x, a)
        let k = n == 0 ? 0 : ((shift % n) + n) % n
        guard k > 0 else { continue }
        x = try c.concat(
          [
            try c.slice(x, axis: a, from: n - k, to: n),
            try c.slice(x, axis: a, from: 0, to: n - k),
          ], axis: a)
      }
      return .id(x)
    },
    "Pad": { (c) throws(EngineError) in
      let x = try c.operand()
      guard let value = c.plain(1, "pad_width"), let items = KerasConfig.items(value) else {
        throw c.unsupported("its pads are no list")
      }
      let mode = c.plain(2, "mode")?.asString ?? "constant"
      guard let known = ["constant": Pad.Mode.constant, "reflect": .reflect, "edge": .edge][mode]
      else { throw c.unsupported("it pads by '\(mode)'") }
      var pads: [(before: Int, after: Int)] = []
      for item in items {
        let pair = try c.pairOfInts(item)
        pads.append(pair)
      }
      let rank = try c.rank(x)
      if pads.count == 1 { pads = Array(repeating: pads[0], count: rank) }
      guard pads.count == rank else { throw c.unsupported("its pads are of another rank") }
      let fill = try c.real(3, "constant_values", default: 0)
      return .id(try c.pad(x, pads, axes: Array(0..<rank), mode: known, value: fill))
    },
  ]
}

extension LayerCall {
  fileprivate func pairOfInts(_ value: JSONValue) throws(EngineError) -> (before: Int, after: Int) {
    guard let items = KerasConfig.items(value), items.count == 2 else {
      let n = try KerasConfig.int(value, "pad_width")
      return (n, n)
    }
    return (try KerasConfig.int(items[0], "pad_width"), try KerasConfig.int(items[1], "pad_width"))
  }

  /// Sizes with at most one -1; an open batch in front stays where its place is kept.
  func reshaped(_ x: ValueID, _ sizes: [Int]) throws(EngineError) -> ValueID {
    guard sizes.filter({ $0 == -1 }).count <= 1, sizes.allSatisfy({ $0 >= -1 }),
      !sizes.contains(0), sizes.count <= Shape.maxRank
    else { throw EngineError(.malformed, "operation '\(name)' has an impossible shape") }
    // -1 in front for an open batch says more as the batch itself.
    let dims = try dims(x)
    if sizes.first == -1, let batch = dims.first, batch.known == nil {
      let rest = dims.dropFirst().reduce(1 as Int?) { product, dim in
        guard let product, let n = dim.known else { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: n)
        return overflow ? nil : next
      }
      let wanted = sizes.dropFirst().reduce(1) {
        $0.multipliedReportingOverflow(by: $1).partialValue
      }
      if rest == wanted { return try reshape(x, [0] + sizes.dropFirst()) }
    }
    return try reshape(x, sizes)
  }
}
