import Graphs
import Tensors

/// Elements and rows by index, the largest elements, distinct elements.
enum LitePlaces {
  static let operators: [LiteOperator] =
    [
      .moving("GATHER") { (c, x) throws(EngineError) in
        let rank = try c.b.rank(x)
        return try c.b.gather(
          x, try c.stored(1), axis: try c.axis(try c.optionInt(0), rank: rank),
          batch: try c.optionInt(1))
      },
      .moving("GATHER_ND") { (c, x) throws(EngineError) in
        try c.b.onnx("GatherND", [x, try c.b.cast(try c.stored(1), .int64)])
      },
      .plain("SCATTER_ND") { (c) throws(EngineError) in
        let updates = try c.stored(1)
        let zeros = try c.b.onnx(
          "Expand", [try c.b.number(0, like: updates), try c.b.cast(try c.stored(2), .int64)])
        return try c.b.scatter(zeros, try c.stored(0), updates, "add")
      },
      .plain("SPARSE_TO_DENSE") { (c) throws(EngineError) in
        let b = c.b
        let base = try b.onnx(
          "Expand",
          [try b.reshape(try c.stored(3), []), try b.cast(try c.stored(1), .int64)])
        var places = try b.cast(try c.stored(0), .int64)
        let rank = try b.rank(base)
        if try b.rank(places) < 2 { places = try b.reshape(places, [-1, rank]) }
        let count = try b.size(places, 0)
        let values = try b.onnx("Expand", [try c.stored(2), count])
        return try b.onnx("ScatterND", [base, places, values])
      },
      .many("TOPK_V2") { (c) throws(EngineError) in
        let b = c.b
        let k = try b.reshape(try b.cast(try c.stored(1), .int64), [1])
        let made = try b.onnx("TopK", [try c.stored(0), k], outputs: 2)
        return [
          .stored(.tensor(made[0])), .stored(.tensor(try b.cast(made[1], .int32))),
        ]
      },
      .many("UNIQUE") { (c) throws(EngineError) in
        let b = c.b
        let made = try b.onnx("Unique", [try c.stored(0)], [.int("sorted", 0)], outputs: 4)
        let dtype = try LiteTensor.dtype(c.optionByte(0)) ?? .int32
        return [
          .stored(.tensor(made[0])), .stored(.tensor(try b.cast(made[2], dtype))),
        ]
      },
      .plain("BUCKETIZE") { (c) throws(EngineError) in
        let b = c.b
        let bounds = try c.node.options?.floats(0) ?? []
        let limits = try b.constant(try Tensor(shape: [bounds.count], bounds))
        let x = try c.number(0)
        let wide = try b.unsqueeze(try b.cast(x, .float32), [try b.rank(x)])
        let reached = try b.cast(try b.onnx("GreaterOrEqual", [wide, limits]), .int32)
        return try b.onnx("ReduceSum", [reached, try b.ints([-1])], [.int("keepdims", 0)])
      },
      .plain("DYNAMIC_UPDATE_SLICE") { (c) throws(EngineError) in
        let b = c.b
        let (x, update) = (try c.stored(0), try c.stored(1))
        guard let type = b.fact(of: update).tensorType else {
          throw EngineError(.unsupported, "the sizes of what is written are not known")
        }
        // Places of all elements of the update, moved by the start.
        let sizes = type.shape.array
        guard type.count <= 1 << 22 else {
          throw EngineError(.budget, "what is written is too large")
        }
        var places: [Int64] = []
        let strides = type.shape.strides
        for i in 0..<type.count {
          for a in sizes.indices { places.append(Int64(i / strides[a] % max(sizes[a], 1))) }
        }
        let grid = try b.constant(
          try Tensor(shape: try Shape(checking: sizes + [sizes.count]), places))
        let start = try b.cast(try c.stored(2), .int64)
        return try b.onnx("ScatterND", [x, try b.add(grid, start), update])
      },
    ]
    + [
      ("UNSORTED_SEGMENT_SUM", "add", 0.0),
      ("UNSORTED_SEGMENT_MAX", "max", -Double(Float.greatestFiniteMagnitude)),
      ("UNSORTED_SEGMENT_MIN", "min", Double(Float.greatestFiniteMagnitude)),
      ("UNSORTED_SEGMENT_PROD", "mul", 1.0),
    ].map { name, how, fill in
      .plain(name) { (c) throws(EngineError) in
        let b = c.b
        let (x, places) = (try c.number(0), try c.stored(1))
        let depth = try b.rank(places)
        let rest = try b.onnx("Shape", [x], [.int("start", depth)])
        let count = try b.reshape(try b.cast(try c.stored(2), .int64), [1])
        let base = try b.onnx(
          "Expand", [try b.number(fill, like: x), try b.concat([count, rest], axis: 0)])
        return try b.scatter(base, try b.unsqueeze(places, [depth]), x, how)
      }
    }
}
