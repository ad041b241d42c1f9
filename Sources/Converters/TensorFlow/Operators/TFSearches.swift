import Graphs
import Tensors

/// The largest elements, distinct elements, intervals.
enum TFSearches {
  static let operators: [TFOperator] =
    ["TopKV2", "TopK"].map { name in
      TFOperator.many(name, outputs: ["values", "indices"]) { (c) throws(EngineError) in
        let b = c.b
        let k =
          name == "TopK"
          ? try b.ints([try c.a.int("k", 1)])
          : try b.reshape(try b.cast(try c.tensor(1), .int64), [1])
        let made = try b.onnx("TopK", [try c.tensor(0), k], outputs: 2)
        let indices = try b.cast(made[1], try c.a.dtype("index_type") ?? .int32)
        return [.tensor(made[0]), .tensor(indices)]
      }
    }
    + ["Unique", "UniqueV2", "UniqueWithCounts"].map { name in
      TFOperator.many(name, outputs: ["y", "idx", "count"]) { (c) throws(EngineError) in
        let b = c.b
        var attributes: [Attribute] = [.int("sorted", 0)]
        if name == "UniqueV2", c.has(1), let axis = try c.ints(1).first {
          attributes.append(.int("axis", axis))
        }
        let made = try b.onnx("Unique", [try c.tensor(0)], attributes, outputs: 4)
        let dtype = try c.a.dtype("out_idx") ?? .int32
        return [
          .tensor(made[0]), .tensor(try b.cast(made[2], dtype)),
          .tensor(try b.cast(made[3], dtype)),
        ]
      }
    }
    + [
      TFOperator("Bucketize") { (c) throws(EngineError) in
        let b = c.b
        let x = try c.tensor(0)
        let bounds = try c.a.floats("boundaries").map { Double($0) }
        // How many boundaries an element has reached.
        let limits = try b.constant(
          try NumberTensor.tensor(bounds, shape: [bounds.count], .float32))
        let wide = try b.unsqueeze(try b.cast(x, .float32), [try b.rank(x)])
        let reached = try b.cast(try b.onnx("GreaterOrEqual", [wide, limits]), .int32)
        return try b.onnx(
          "ReduceSum", [reached, try b.ints([-1])], [.int("keepdims", 0)])
      },
      TFOperator("DenseBincount", "without weights") { (c) throws(EngineError) in
        let b = c.b
        let x = try c.tensor(0)
        let dtype = try c.a.dtype("T") ?? .int32
        if c.has(2), b.dims(try c.tensor(2))?.product.known != 0 {
          throw EngineError(.unsupported, "counts with weights are not converted")
        }
        let depth = try b.reshape(try b.cast(try c.tensor(1), .int64), [])
        let hot = try b.onnx(
          "OneHot",
          [
            try b.cast(x, .int64), depth,
            try b.constant(try NumberTensor.tensor([0, 1], shape: [2], dtype)),
          ])
        let axes = try b.ints([-2])
        let how = try c.a.bool("binary_output") ? "ReduceMax" : "ReduceSum"
        return try b.onnx(how, [hot, axes], [.int("keepdims", 0)])
      },
      TFOperator("InTopKV2") { (c) throws(EngineError) in
        let b = c.b
        let predictions = try c.tensor(0)
        let target = try b.unsqueeze(try b.cast(try c.tensor(1), .int64), [1])
        let own = try b.onnx("GatherElements", [predictions, target], [.int("axis", 1)])
        let better = try b.cast(try b.onnx("Greater", [predictions, own]), .int64)
        let count = try b.onnx(
          "ReduceSum", [better, try b.ints([1])], [.int("keepdims", 0)])
        return try b.onnx("Less", [count, try b.cast(try c.tensor(2), .int64)])
      },
    ]
    + ["LowerBound", "UpperBound"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        let b = c.b
        // Places in sorted rows: how many elements lie below.
        let sorted = try b.unsqueeze(try c.tensor(0), [1])
        let values = try b.unsqueeze(try c.tensor(1), [2])
        let below = try b.onnx(name == "LowerBound" ? "Less" : "LessOrEqual", [sorted, values])
        let dtype = try c.a.dtype("out_type") ?? .int32
        return try b.onnx(
          "ReduceSum", [try b.cast(below, dtype), try b.ints([2])], [.int("keepdims", 0)])
      }
    }
}
