import Graphs
import Kernels
import Tensors

/// The gradients of `BatchNormalization` in training by its first three inputs.
///
/// With `z = (X - mean) / sqrt(var + epsilon)` and the moments of the batch:
/// `dX = scale / sqrt(var + epsilon) (dY - mean(dY) - z mean(dY z))`, `dScale` the sums of `dY z`,
/// `dB` those of `dY`, each over all axes but the channels'.
///
/// - `X`, `dY`: one float dtype, `[N, C, D1, ...]`. `scale`: `[C]`.
/// - `epsilon`: default 1e-5.
/// - Outputs: `dX`; `dScale` and `dB`, `[C]`.
/// - Errors: `.shape` for operands that do not fit.
/// - Accuracy: two passes; sums in fixed lanes over a row and in the order of the batch; the same
///   for any number of threads.
/// - Gradient: from the formula.
/// - Source: domain ai.dlrun 1; arXiv:1502.03167.
public struct BatchNormalizationGradient: FormulaGradient {
  public let epsilon: Float

  public static let schema = Schema(
    "BatchNormalizationGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", .floats), Parameter("scale", .floats), Parameter("dY", .floats),
    ],
    outputs: [
      Parameter("dX", .floats), .optional("dScale", .floats), .optional("dB", .floats),
    ],
    attributes: [epsilonSpec], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2, 2], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let dy = try Tensor(shape: [2, 3, 2, 2], (0..<24).map { Float(($0 * 5) % 24) * 0.2 - 2 })
      return [
        .init(
          BatchNormalizationGradient(epsilon: 1e-3), [x, try Tensor([1, 0.5, 2] as [Float]), dy],
          outputCount: 3)
      ]
    })

  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }
  public init(reading a: AttributeReader) throws(EngineError) { epsilon = try readEpsilon(a) }
  public var attributes: [Attribute] { epsilonAttribute(epsilon) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let scale = Fact(c.dtype(1), c.dims(1))
    return [Fact(c.dtype(0), c.dims(0)), scale, scale]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p, mixed: true) { return half }
    let dtype = try commonReal(p, 0..<3)
    let x = try p.input(0).shape
    guard x.rank >= 2, try p.input(2).shape == x else { throw channelRank("\(x)") }
    try checkChannels("scale", p.input(1), x[1])
    let kernel = NormGradient(
      .channels(batch: x[0]), count: x[1], n: x.count(of: 2..<x.rank), epsilon: Double(epsilon),
      threads: p.options.threads)
    let wants = (p.wants(0), p.wants(1), p.wants(2))
    return Prepared(scratchBytes: kernel.scratchBytes(dtype), label: "batch norm gradient") { m in
      kernel.run(
        dtype, x: m.inputs[0], gain: m.inputs[1], dy: m.inputs[2],
        dx: wants.0 ? m.outputs[0] : nil, dGain: wants.1 ? m.outputs[1] : nil,
        dShift: wants.2 ? m.outputs[2] : nil, scratch: m.scratch, pool: m.pool)
    }
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let scale = inputs[1], let dy = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let rank = try knownRank(b, x)
    let axes = (0..<rank).filter { $0 != 1 }
    let (z, _, inverse) = try normalised(b, x, axes, epsilon: Double(epsilon))
    let product = try times(b, dy, z)
    let inner = try minus(
      b, minus(b, dy, mean(b, dy, axes)), times(b, z, mean(b, product, axes)))
    let factor = try times(b, inverse, perChannel(b, scale, rank: rank))
    var results = [try times(b, factor, inner)]
    if outputs > 1 { results.append(try sum(b, product, axes, keepDims: false)) }
    if outputs > 2 { results.append(try sum(b, dy, axes, keepDims: false)) }
    return Few(results)
  }
}
