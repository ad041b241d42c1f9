import Graphs
import Operators
import Tensors

/// Indexing with tensors: `x[i, :, j]` and its assignment.
enum TorchIndex {
  static let operators: [TorchOperator] = [
    .one("aten.index.Tensor", note: "integers, or one mask") { (c) throws(EngineError) in
      try read(c)
    },
    .one("aten.index_put.default", note: "integers, or one mask", inPlace: true) {
      (c) throws(EngineError) in try write(c)
    },
    .one("aten._unsafe_index.Tensor", note: "integers, or one mask") { (c) throws(EngineError) in
      try read(c)
    },
    .one("aten.masked_select.default") { (c) throws(EngineError) in
      let x = try c.x()
      let mask = try c.cast(try c.x("mask"), .bool)
      let sizes = try c.sizes(of: try c.builder.apply(Or(), try c.cast(x, .bool), mask))
      let places = try places(c, try c.expanded(mask, sizes))
      return try c.builder.apply(GatherND(), try c.expanded(x, sizes), places)
    },
    .one("aten.nonzero.default") { (c) throws(EngineError) in try places(c, try c.x()) },
    TorchOperator("aten.nonzero_numpy.default") { (c) throws(EngineError) in
      let x = try c.x()
      let found = try c.builder.apply(NonZero(), x)
      var results: [TorchValue] = []
      for axis in 0..<(try c.rank(x)) {
        results.append(
          .tensor(try c.builder.apply(Gather(axis: 0), found, try c.builder.scalar(axis))))
      }
      return results
    },
    .one("aten.argwhere.default") { (c) throws(EngineError) in try places(c, try c.x()) },
  ]

  /// `[count, rank]`: where elements differ from 0.
  private static func places(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> ValueID {
    try c.transposed(try c.builder.apply(NonZero(), x), [1, 0])
  }

  /// The axes that are indexed, and the tensors that index them.
  private struct Plan {
    var axes: [Int] = []
    var indices: [ValueID] = []
    /// Whether one mask covers the axes.
    var mask: ValueID?
    /// Whether the indexed axes follow each other: the result then has theirs in their place, else
    /// in front.
    var isAdjacent: Bool { zip(axes, axes.dropFirst()).allSatisfy { $1 == $0 + 1 } }
  }

  private static func plan(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> Plan {
    var plan = Plan()
    let list = try c.optionalTensors("indices")
    var axis = 0
    for item in list {
      guard let item else {
        axis += 1
        continue
      }
      let dtype = try c.dtype(of: item)
      if dtype == .bool || dtype == .uint8 {
        guard list.compactMap({ $0 }).count == 1 else {
          throw EngineError(.unsupported, "a mask among other indices")
        }
        let rank = try c.rank(item)
        plan.mask = try c.cast(item, .bool)
        plan.axes = Array(axis..<(axis + rank))
        axis += rank
      } else {
        plan.axes.append(axis)
        plan.indices.append(try c.cast(item, .int64))
        axis += 1
      }
    }
    guard axis <= (try c.rank(x)), !plan.axes.isEmpty else {
      throw EngineError(.malformed, "'indices' does not fit the operand")
    }
    return plan
  }

  /// The indices broadcast against each other, side by side along a new last axis.
  private static func tuples(
    _ c: TorchCall, _ plan: Plan
  ) throws(EngineError) -> (tuples: ValueID, rank: Int) {
    if let mask = plan.mask { return (try places(c, mask), 1) }
    var sum = plan.indices[0]
    var isSame = true
    for index in plan.indices.dropFirst() {
      if try c.dims(index) != c.dims(plan.indices[0]) { isSame = false }
    }
    if !isSame {
      for index in plan.indices.dropFirst() { sum = try c.add(sum, index) }
    }
    let rank = try c.rank(sum)
    let shape = isSame ? nil : try c.builder.apply(ShapeOp(), sum)
    var parts: [ValueID?] = []
    for index in plan.indices {
      let whole =
        try shape.map { (s) throws(EngineError) in
          try c.builder.apply(Expand(), index, s)
        } ?? index
      parts.append(try c.unsqueezed(whole, [rank]))
    }
    let first = parts.first.flatMap { $0 } ?? sum
    return (
      parts.count == 1 ? first : try c.builder.apply(Concat(axis: rank), inputs: parts), rank
    )
  }

  private static func read(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let plan = try plan(c, x)
    if plan.mask == nil, plan.indices.count == 1, let axis = plan.axes.first {
      return try c.builder.apply(Gather(axis: axis), x, plan.indices[0])
    }
    let rank = try c.rank(x)
    let rest = (0..<rank).filter { !plan.axes.contains($0) }
    let front = try c.transposed(x, plan.axes + rest)
    let (tuples, width) = try tuples(c, plan)
    let found = try c.builder.apply(GatherND(), front, tuples)
    // The indexed axes go back to where the first of them was.
    guard plan.isAdjacent, let first = plan.axes.first, first > 0 else { return found }
    let total = width + rest.count
    let perm =
      Array(width..<(width + first)) + Array(0..<width) + Array((width + first)..<total)
    return try c.transposed(found, perm)
  }

  private static func write(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let plan = try plan(c, x)
    let values = try c.cast(try c.x("values"), try c.dtype(of: x))
    let adds = try c.bool("accumulate", false)
    let b = c.builder
    if let mask = plan.mask, try c.rank(values) == 0, !adds {
      // One value for all places that a mask names.
      let rank = try c.rank(x)
      let wide = try c.unsqueezed(mask, Array(plan.axes.count..<(rank - (plan.axes.first ?? 0))))
      return try b.apply(Where(), wide, values, x)
    }
    let rank = try c.rank(x)
    let rest = (0..<rank).filter { !plan.axes.contains($0) }
    let perm = plan.axes + rest
    let front = try c.transposed(x, perm)
    let (tuples, width) = try tuples(c, plan)
    // Updates have the tuples' axes, then the rest; the values broadcast to the result of reading.
    let sizes =
      try c.sizes(of: tuples).dropLast()
      + rest.map { (axis) throws(EngineError) in
        try c.size(of: x, axis)
      }
    var updates = values
    if plan.isAdjacent, let first = plan.axes.first, first > 0 {
      let shown =
        Array(sizes[width..<(width + first)]) + Array(sizes[..<width])
        + Array(sizes[(width + first)...])
      let whole = try c.expanded(values, shown)
      updates = try c.transposed(
        whole,
        Array(first..<(first + width)) + Array(0..<first) + Array((first + width)..<shown.count))
    } else {
      updates = try c.expanded(values, Array(sizes))
    }
    let done = try b.apply(ScatterND(reduction: adds ? .add : .none), front, tuples, updates)
    var inverse = perm
    for (i, p) in perm.enumerated() { inverse[p] = i }
    return try c.transposed(done, inverse)
  }
}
