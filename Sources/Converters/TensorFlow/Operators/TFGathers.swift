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
        try gather(
          c.b, try c.tensor(0), try c.tensor(1), axis: try c.a.int("batch_dims", 0),
          batch: try c.a.int("batch_dims", 0))
      },
      TFOperator("GatherV2") { (c) throws(EngineError) in
        let rank = try c.rank(0)
        let indexRank = try c.rank(1)
        let batch = try c.a.int("batch_dims", 0)
        return try gather(
          c.b, try c.tensor(0), try c.tensor(1),
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

  /// Slices along `axis` by indices; the first `batch` axes of both count together.
  static func gather(
    _ b: ConversionBuilder, _ x: ValueID, _ indices: ValueID, axis: Int, batch: Int
  ) throws(EngineError) -> ValueID {
    if batch == 0 { return try b.onnx("Gather", [x, indices], [.int("axis", axis)]) }
    let (rank, indexRank) = (try b.rank(x), try b.rank(indices))
    guard batch > 0, batch <= axis, axis < rank, batch <= indexRank else {
      throw EngineError(.invalidModel, "the batch axes do not fit", received: "\(batch)")
    }
    // The gathered axis behind the batch, then places as tuples of one number.
    let perm = Array(0..<batch) + [axis] + (batch..<rank).filter { $0 != axis }
    let moved = try b.transpose(x, perm)
    let places = try b.unsqueeze(try b.cast(indices, .int64), [indexRank])
    let made = try b.onnx("GatherND", [moved, places], [.int("batch_dims", batch)])
    // Back: what stood between batch and axis comes before the axes of the indices.
    let own = indexRank - batch
    let between = axis - batch
    let back =
      Array(0..<batch) + (0..<between).map { batch + own + $0 } + (0..<own).map { batch + $0 }
      + Array((batch + own + between)..<(rank - 1 + own))
    return try b.transpose(made, back)
  }
}
