import Graphs
import Tensors

/// Tensors with elements written or added at places.
enum TFScatters {
  static let operators: [TFOperator] =
    [
      ("TensorScatterUpdate", "none"), ("TensorScatterAdd", "add"), ("TensorScatterSub", "sub"),
      ("TensorScatterMin", "min"), ("TensorScatterMax", "max"),
    ].map { name, how in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.scatter(try c.tensor(0), try c.tensor(1), try c.tensor(2), how)
      }
    } + [
      TFOperator("ScatterNd") { (c) throws(EngineError) in
        let updates = try c.tensor(1)
        let zeros = try TFConstants.expanded(
          try c.b.number(0, like: updates), try c.tensor(2), c)
        return try c.b.scatter(zeros, try c.tensor(0), updates, "add")
      }
    ]
    + [
      ("UnsortedSegmentSum", "add", 0.0), ("UnsortedSegmentMax", "max", -Double.infinity),
      ("UnsortedSegmentMin", "min", Double.infinity),
    ].map { name, how, start in
      TFOperator(name) { (c) throws(EngineError) in
        let b = c.b
        let (x, places) = (try c.tensor(0), try c.tensor(1))
        let (rank, depth) = (try b.rank(x), try b.rank(places))
        guard b.dtype(x)?.isFloat == true || how == "add" else {
          throw EngineError(.unsupported, "extrema of integer segments are not converted")
        }
        var sizes = [try b.reshape(try b.cast(try c.tensor(2), .int64), [1])]
        for axis in depth..<max(depth, rank) { sizes.append(try b.size(x, axis)) }
        // Segments without elements have the lowest or highest finite number.
        let limit =
          b.dtype(x) == .float64
          ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude)
        let fill = start == 0 ? 0 : start < 0 ? -limit : limit
        let base = try TFConstants.expanded(
          try b.number(fill, like: x), try b.concat(sizes, axis: 0), c)
        return try b.scatter(base, try b.unsqueeze(places, [depth]), x, how)
      }
    }
}
