import Graphs
import Tensors

/// Sizes as values, and what brings tensors to sizes.
enum TFShapes {
  static let operators: [TFOperator] = [
    TFOperator("Shape") { (c) throws(EngineError) in
      try c.b.cast(try c.b.shape(try c.tensor(0)), try c.a.dtype("out_type") ?? .int32)
    },
    .many("ShapeN") { (c) throws(EngineError) in
      var list: [FlowValue] = []
      for x in try c.tensors() {
        list.append(
          .tensor(try c.b.cast(try c.b.shape(x), try c.a.dtype("out_type") ?? .int32)))
      }
      return list
    },
    TFOperator("Size") { (c) throws(EngineError) in
      try c.b.cast(
        try c.b.onnx("Size", [try c.tensor(0)]), try c.a.dtype("out_type") ?? .int32)
    },
    TFOperator("Rank") { (c) throws(EngineError) in
      try c.b.constant(try Tensor(scalar: Int32(try c.rank(0))))
    },
    TFOperator("Reshape") { (c) throws(EngineError) in
      try c.b.reshape(try c.tensor(0), try c.tensor(1))
    },
    TFOperator("ExpandDims") { (c) throws(EngineError) in
      let axis = try c.int(1)
      let rank = try c.rank(0)
      return try c.b.unsqueeze(try c.tensor(0), [try c.axis(axis, rank: rank + 1)])
    },
    TFOperator("Squeeze") { (c) throws(EngineError) in
      let x = try c.tensor(0)
      let listed = try c.a.ints("squeeze_dims")
      let axes = try listed.isEmpty ? c.a.ints("axis") : listed
      if !axes.isEmpty {
        let rank = try c.rank(0)
        return try c.b.squeeze(
          x, try axes.map { (a) throws(EngineError) in try c.axis(a, rank: rank) })
      }
      guard let dims = c.b.dims(x) else {
        throw EngineError(.unsupported, "which axes have size 1 is not known")
      }
      return try c.b.squeeze(x, dims.indices.filter { dims[$0].known == 1 })
    },
    TFOperator("EnsureShape") { (c) throws(EngineError) in try c.tensor(0) },
    TFOperator("BroadcastTo") { (c) throws(EngineError) in
      try TFConstants.expanded(try c.tensor(0), try c.tensor(1), c)
    },
    TFOperator("BroadcastArgs") { (c) throws(EngineError) in
      let (x, y) = (try c.ints(0), try c.ints(1))
      let rank = max(x.count, y.count)
      let a = Array(repeating: 1, count: rank - x.count) + x
      let d = Array(repeating: 1, count: rank - y.count) + y
      let sizes = (0..<rank).map { a[$0] == 1 ? d[$0] : a[$0] }
      return try c.b.cast(try c.b.ints(sizes), c.b.dtype(try c.tensor(0)) ?? .int32)
    },
    TFOperator("Tile") { (c) throws(EngineError) in
      try c.b.onnx("Tile", [try c.tensor(0), try c.b.cast(try c.tensor(1), .int64)])
    },
    TFOperator("InvertPermutation") { (c) throws(EngineError) in
      let perm = try c.ints(0)
      guard Set(perm) == Set(0..<perm.count) else {
        throw EngineError(.invalidModel, "the numbers are no permutation", received: "\(perm)")
      }
      let inverse = perm.indices.sorted { perm[$0] < perm[$1] }
      return try c.b.cast(try c.b.ints(inverse), c.b.dtype(try c.tensor(0)) ?? .int32)
    },
  ]
}
