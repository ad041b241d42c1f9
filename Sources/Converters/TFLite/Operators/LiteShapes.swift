import Graphs
import Tensors

/// Sizes as values, and what brings tensors to sizes.
enum LiteShapes {
  static let operators: [LiteOperator] = [
    .moving("RESHAPE") { (c, x) throws(EngineError) in
      // The sizes stand in input 1, in the options, or in the result.
      if c.has(1), try c.rank(1) == 1 { return try c.b.reshape(x, try c.stored(1)) }
      if let sizes = try c.node.options?.ints(0) { return try c.b.reshape(x, sizes) }
      return try c.b.reshape(x, c.output?.signature ?? [])
    },
    .moving("SQUEEZE") { (c, x) throws(EngineError) in
      let listed = try c.node.options?.ints(0) ?? []
      let rank = try c.b.rank(x)
      if !listed.isEmpty {
        return try c.b.squeeze(
          x, try listed.map { (a) throws(EngineError) in try c.axis(a, rank: rank) })
      }
      let dims = c.b.dims(x) ?? []
      return try c.b.squeeze(x, dims.indices.filter { dims[$0].known == 1 })
    },
    .moving("EXPAND_DIMS") { (c, x) throws(EngineError) in
      let rank = try c.b.rank(x)
      return try c.b.unsqueeze(x, [try c.axis(try c.int(1), rank: rank + 1)])
    },
    .moving("TRANSPOSE") { (c, x) throws(EngineError) in
      let perm = try c.ints(1)
      let rank = try c.b.rank(x)
      guard Set(perm) == Set(0..<rank), perm.count == rank else {
        throw EngineError(.invalidModel, "the axes are no permutation", received: "\(perm)")
      }
      if rank > 2 {
        if perm == [0, rank - 1] + Array(1..<(rank - 1)) { return try c.b.channelsFirst(x) }
        if perm == [0] + Array(2..<rank) + [1] { return try c.b.channelsLast(x) }
      }
      return try c.b.transpose(x, perm)
    },
    .moving("TILE") { (c, x) throws(EngineError) in
      try c.b.onnx("Tile", [x, try c.b.cast(try c.stored(1), .int64)])
    },
    .moving("BROADCAST_TO") { (c, x) throws(EngineError) in
      try c.b.onnx("Expand", [x, try c.b.cast(try c.stored(1), .int64)])
    },
    .moving("REVERSE_V2") { (c, x) throws(EngineError) in
      let rank = try c.b.rank(x)
      var axes: [Int] = []
      for a in try c.ints(1) { axes.append(try c.axis(a, rank: rank)) }
      let n = axes.count
      if n == 0 { return x }
      return try c.b.slice(
        x, Array(repeating: Int.max >> 1, count: n),
        Array(repeating: -(Int.max >> 1), count: n), axes: axes,
        steps: Array(repeating: -1, count: n))
    },
    .moving("REVERSE_SEQUENCE") { (c, x) throws(EngineError) in
      let (time, batch) = (try c.optionInt(0), try c.optionInt(1))
      guard Set([time, batch]) == [0, 1] else {
        throw EngineError(.unsupported, "sequences must lie along the first two axes")
      }
      return try c.b.onnx(
        "ReverseSequence", [x, try c.b.cast(try c.stored(1), .int64)],
        [.int("time_axis", time), .int("batch_axis", batch)])
    },
    .plain("SHAPE") { (c) throws(EngineError) in
      try c.b.cast(try c.b.shape(try c.stored(0)), c.output?.dtype ?? .int32)
    },
    .plain("RANK") { (c) throws(EngineError) in
      try c.b.constant(try Tensor(scalar: Int32(try c.rank(0))))
    },
    .moving("FILL", from: 1) { (c, x) throws(EngineError) in
      try c.b.onnx("Expand", [x, try c.b.cast(try c.stored(0), .int64)])
    },
    LiteOperator("ZEROS_LIKE") { (c) throws(EngineError) in
      let x = try c.number(0)
      return try c.b.onnx("Expand", [try c.b.number(0, like: x), try c.b.shape(x)])
    },
    .plain("RANGE") { (c) throws(EngineError) in
      func scalar(_ i: Int) throws(EngineError) -> ValueID {
        try c.b.reshape(try c.stored(i), [])
      }
      return try c.b.onnx("Range", [try scalar(0), try scalar(1), try scalar(2)])
    },
    .plain("BROADCAST_ARGS") { (c) throws(EngineError) in
      let (x, y) = (try c.ints(0), try c.ints(1))
      let rank = max(x.count, y.count)
      let a = Array(repeating: 1, count: rank - x.count) + x
      let d = Array(repeating: 1, count: rank - y.count) + y
      let sizes = (0..<rank).map { a[$0] == 1 ? d[$0] : a[$0] }
      return try c.b.cast(try c.b.ints(sizes), c.output?.dtype ?? .int32)
    },
    .plain("ONE_HOT") { (c) throws(EngineError) in
      let b = c.b
      let values = try b.concat(
        [try b.reshape(try c.stored(3), [1]), try b.reshape(try c.stored(2), [1])], axis: 0)
      var indices = try b.cast(try c.stored(0), .int64)
      let isNegative = try b.onnx("Less", [indices, try b.scalar(0)])
      indices = try b.onnx("Where", [isNegative, try b.scalar(Int.max >> 1), indices])
      let depth = try b.reshape(try b.cast(try c.stored(1), .int64), [])
      return try b.onnx(
        "OneHot", [indices, depth, values], [.int("axis", try c.optionInt(0))])
    },
  ]
}
