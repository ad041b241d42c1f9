import Graphs
import Kernels
import Tensors

/// Channels brought to zero mean and unit variance:
/// `Y = (X - mean) / sqrt(var + epsilon) * scale + B`.
///
/// - `X`: float dtypes, `[N, C, D1, ...]` or `[N, C]` (`[N]` counts as one channel). `scale`, `B`,
///   `input_mean`, `input_var`: `[C]`; before opset 9 with `spatial` 0, `[C, D1, ...]`.
/// - Attributes: `epsilon` default 1e-5; `momentum` default 0.9; `training_mode` default 0 (before
///   opset 14, training is asked for by taking more than one output).
/// - Outputs: `Y`; in training, `running_mean = input_mean * momentum + mean * (1 - momentum)`,
///   `running_var` likewise with the population variance, and before opset 14 the two moments.
/// - Errors: `.shape` when a parameter does not have an element a channel; `.arity` for running
///   moments without training.
/// - Source: ONNX BatchNormalization 1, 6, 7, 9, 14, 15.
public struct BatchNormalization: FormulaGradient {
  public let epsilon: Float
  public let momentum: Float
  public let isTraining: Bool
  /// Whether statistics are taken over all places of a channel; only before opset 9 can it be not.
  public let isSpatial: Bool

  public static let schema = Schema(
    "BatchNormalization", versions: [1, 6, 7, 9, 14, 15],
    inputs: [
      Parameter("X", .floats), Parameter("scale", .floats, "T1"), Parameter("B", .floats, "T1"),
      Parameter("input_mean", .floats, "T2"), Parameter("input_var", .floats, "T2"),
    ],
    outputs: [
      Parameter("Y", .floats), .optional("running_mean", .floats, "T2"),
      .optional("running_var", .floats, "T2"), .optional("saved_mean", .floats, "T2"),
      .optional("saved_var", .floats, "T2"),
    ],
    attributes: [
      epsilonSpec, AttributeSpec("momentum", .float, "weight of the old running value; 0.9"),
      AttributeSpec(
        "training_mode", .int, "1: normalise with the batch's own moments; 0", since: 14),
      AttributeSpec(
        "spatial", .int, "before opset 9; 0: an element of its own for each place", before: 9),
      AttributeSpec("is_test", .int, "before opset 7", before: 7),
      .consumedInputs,
    ],
    outputCounts: [1: 1...5, 14: 1...3],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2, 2], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      func three(_ a: Float, _ b: Float, _ c: Float) throws -> Tensor { try Tensor([a, b, c]) }
      let all = [
        x, try three(1, 0.5, 2), try three(0.1, -0.2, 0.3), try three(0.4, 1, -1),
        try three(1, 2, 0.7),
      ]
      return [
        .init(BatchNormalization(), all),
        .init(BatchNormalization(epsilon: 1e-3, isTraining: true), all, outputCount: 3),
      ]
    })

  public init(
    epsilon: Float = 1e-5, momentum: Float = 0.9, isTraining: Bool = false, isSpatial: Bool = true
  ) {
    self.epsilon = epsilon
    self.momentum = momentum
    self.isTraining = isTraining
    self.isSpatial = isSpatial
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    epsilon = try readEpsilon(a)
    momentum = try a.float("momentum", default: 0.9)
    isSpatial = try a.bool("spatial", default: true)
    // Says the same as the number of outputs.
    _ = try a.bool("is_test", default: false)
    isTraining = a.opset >= 14 ? try a.bool("training_mode", default: false) : a.outputCount > 1
  }
  public var attributes: [Attribute] {
    var list = epsilonAttribute(epsilon)
    if momentum != 0.9 { list.append(.float("momentum", momentum)) }
    if isTraining { list.append(.bool("training_mode", true)) }
    if !isSpatial { list.append(.bool("spatial", false)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard isTraining || c.outputCount <= 1 else {
      throw EngineError(.arity, "running moments need training_mode 1")
    }
    let moments = Fact(c.dtype(3), c.dims(3))
    return [Fact(c.dtype(0), c.dims(0)), moments, moments, moments, moments]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p, mixed: true) { return half }
    let dtype = try commonReal(p, 0..<5)
    let shape = try p.input(0).shape
    guard shape.rank >= 1 else {
      throw EngineError(.shape, "the input has no axes", expected: "[N, C, ...]", received: "[]")
    }
    let batch = shape[0]
    var channels = shape.rank > 1 ? shape[1] : 1
    var size = shape.rank > 2 ? shape.count(of: 2..<shape.rank) : 1
    if !isSpatial {
      channels *= size
      size = 1
    }
    for (i, name) in [(1, "scale"), (2, "B"), (3, "input_mean"), (4, "input_var")] {
      try checkChannels(name, p.input(i), channels)
    }
    let kernel = BatchNormalize(
      batch: batch, channels: channels, size: size, epsilon: Double(epsilon),
      momentum: Double(momentum))
    if !isTraining {
      return Prepared(inPlace: 1, label: "affine") { m in
        kernel.run(
          dtype, x: m.inputs[0],
          .init(gain: m.inputs[1], bias: m.inputs[2], mean: m.inputs[3], variance: m.inputs[4]),
          into: m.outputs[0], pool: m.pool)
      }
    }
    let wanted = (p.wants(1), p.wants(2), p.wants(3), p.wants(4))
    return Prepared(label: "moments and affine") { m in
      kernel.train(
        dtype, x: m.inputs[0],
        .init(gain: m.inputs[1], bias: m.inputs[2], mean: m.inputs[3], variance: m.inputs[4]),
        into: m.outputs[0], runningMean: wanted.0 ? m.outputs[1] : nil,
        runningVariance: wanted.1 ? m.outputs[2] : nil, mean: wanted.2 ? m.outputs[3] : nil,
        variance: wanted.3 ? m.outputs[4] : nil, pool: m.pool)
    }
  }
}

extension BatchNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let scale = inputs[1], let bias = inputs[2], let oldMean = inputs[3],
      let oldVariance = inputs[4]
    else { throw EngineError(.arity, "an input is missing") }
    let rank = try knownRank(b, x)
    func aligned(_ p: B.Value) throws(EngineError) -> B.Value {
      let like = try cast(b, p, like: x)
      if isSpatial || rank < 3 { return try perChannel(b, like, rank: rank) }
      return try b.apply(Unsqueeze(axes: [0]), like)
    }
    let folded = isSpatial || rank < 3 ? (0..<rank).filter { $0 != 1 || rank < 2 } : [0]
    var (mean, variance) = (try aligned(oldMean), try aligned(oldVariance))
    if isTraining {
      mean = try Operators.mean(b, x, folded)
      let distance = try minus(b, x, mean)
      variance = try Operators.mean(b, times(b, distance, distance), folded)
    }
    let inverse = try b.apply(
      Reciprocal(), b.apply(Sqrt(), plus(b, variance, Double(epsilon))))
    let factor = try times(b, inverse, aligned(scale))
    var results = [try plus(b, times(b, minus(b, x, mean), factor), aligned(bias))]
    if outputs > 1 {
      let (m, v) = (
        try cast(b, reshape(b, mean, like: oldMean), like: oldMean),
        try cast(b, reshape(b, variance, like: oldVariance), like: oldVariance)
      )
      let keep = Double(momentum)
      results.append(try plus(b, times(b, oldMean, keep), times(b, m, 1 - keep)))
      results.append(try plus(b, times(b, oldVariance, keep), times(b, v, 1 - keep)))
      results += [m, v]
    }
    return Few(Array(results.prefix(outputs)))
  }
}

extension BatchNormalization {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, scale) = (try g.input(0), try g.input(1))
    let isPlain = g.upstreams.array.dropFirst().allSatisfy { $0 == nil }
    let isOne = b.fact(of: x).dtype == b.fact(of: scale).dtype
    guard isTraining, isPlain, isOne, isSpatial, let up = g.upstreams[0], try knownRank(b, x) > 1
    else {
      try gradientOfFormula(b, &g)
      return
    }
    let made = try b.apply(
      BatchNormalizationGradient(epsilon: epsilon), inputs: [x, scale, up], outputs: 3)
    for i in 0..<3 where g.needs(i) { g.give(i, made[i]) }
  }
}
