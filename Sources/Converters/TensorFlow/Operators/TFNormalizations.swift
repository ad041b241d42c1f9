import Graphs
import Tensors

/// Biases and normalisations.
enum TFNormalizations {
  static let operators: [TFOperator] =
    ["BiasAdd", "BiasAddV1"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        try biasAdd(c.b, try c.tensor(0), try c.tensor(1), try c.isChannelsFirst())
      }
    }
    + ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx"].map { name in
      TFOperator.many(
        name,
        outputs: [
          "y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2",
          "reserve_space_3",
        ]
      ) { (c) throws(EngineError) in try fusedBatchNorm(c) }
    }
    + [
      TFOperator("LRN") { (c) throws(EngineError) in
        let b = c.b
        let radius = try c.a.int("depth_radius", 5)
        guard radius >= 0, radius < 1 << 20 else {
          throw EngineError(.invalidModel, "the radius is out of range")
        }
        let size = 2 * radius + 1
        let made = try b.onnx(
          "LRN", [try b.channelsFirst(try c.tensor(0))],
          [
            .int("size", size), .float("alpha", try c.a.float("alpha", 1) * Float(size)),
            .float("beta", try c.a.float("beta", 0.5)), .float("bias", try c.a.float("bias", 1)),
          ])
        return try b.channelsLast(made)
      }
    ]

  /// Adds numbers by channel.
  static func biasAdd(
    _ b: ConversionBuilder, _ x: ValueID, _ bias: ValueID, _ isFirst: Bool
  ) throws(EngineError) -> ValueID {
    guard isFirst else { return try b.broadcast("Add", x, bias) }
    let rank = try b.rank(x)
    return try b.add(
      x, try b.reshape(bias, [-1] + Array(repeating: 1, count: max(0, rank - 2))))
  }

  static func normalized(
    _ b: ConversionBuilder, _ x: ValueID, scale: ValueID, offset: ValueID, mean: ValueID,
    variance: ValueID, epsilon: Float, isFirst: Bool
  ) throws(EngineError) -> ValueID {
    let made = try b.onnx(
      "BatchNormalization", [try b.first(x, isFirst), scale, offset, mean, variance],
      [.float("epsilon", epsilon)])
    return try b.last(made, isFirst)
  }

  private static func fusedBatchNorm(_ c: TFCall) throws(EngineError) -> [FlowValue] {
    let b = c.b
    let isFirst = try c.isChannelsFirst()
    let x = try c.tensor(0)
    var (mean, variance) = (try c.tensor(3), try c.tensor(4))
    if try c.a.bool("is_training", true) {
      // In training the statistics are those of the batch.
      let first = try b.first(x, isFirst)
      let rank = try b.rank(first)
      let axes = try b.ints([0] + Array(2..<max(2, rank)))
      mean = try b.onnx("ReduceMean", [first, axes], [.int("keepdims", 1)])
      let centred = try b.sub(first, mean)
      variance = try b.onnx(
        "ReduceMean", [try b.mul(centred, centred), axes], [.int("keepdims", 0)])
      mean = try b.reshape(mean, [-1])
      c.note("'\(c.node.name)' normalises with the statistics of each batch, as in training")
    }
    var y = try normalized(
      b, x, scale: try c.tensor(1), offset: try c.tensor(2), mean: mean, variance: variance,
      epsilon: try c.a.float("epsilon", 1e-4), isFirst: isFirst)
    if try c.a.int("num_side_inputs", 0) > 0 { y = try b.broadcast("Add", y, try c.tensor(5)) }
    if try c.a.string("activation_mode", "Identity") == "Relu" {
      y = try b.elementwise(y) { (v) throws(EngineError) in try b.onnx("Relu", [v]) }
    }
    return [.tensor(y), .tensor(mean), .tensor(variance), .tensor(mean), .tensor(variance)]
  }
}
