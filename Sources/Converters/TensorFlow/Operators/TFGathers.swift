import Graphs
import Tensors

/// Elements and rows by index.
enum TFGathers {
  static let operators: [TFOperator] =
    [
      TFOperator("Gather") { (c) throws(EngineError) in
        try c.b.onnx("Gather", [try c.tensor(0), try c.tensor(1)])
      },
      TFOperator("ResourceGather") { (c) throws(EngineError) in
        try c.b.gather(
          try c.tensor(0), try c.tensor(1), axis: try c.a.int("batch_dims", 0),
          batch: try c.a.int("batch_dims", 0))
      },
      TFOperator("GatherV2") { (c) throws(EngineError) in
        let rank = try c.rank(0)
        let indexRank = try c.rank(1)
        let batch = try c.a.int("batch_dims", 0)
        return try c.b.gather(
          try c.tensor(0), try c.tensor(1),
          axis: try c.axis(try c.int(2), rank: rank),
          batch: batch < 0 ? batch + indexRank : batch)
      },
    ]
    + ["GatherNd", "ResourceGatherNd"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.onnx(
          "GatherND", [try c.tensor(0), try c.b.cast(try c.tensor(1), .int64)],
          [.int("batch_dims", try c.a.int("batch_dims", 0))])
      }
    }
}
