import Graphs
import Kernels
import Tensors

/// Each channel of each instance brought to zero mean and unit variance:
/// `Y = (X - mean) / sqrt(var + epsilon) * scale + B`.
///
/// - `input`: float dtypes, `[N, C, D1, ...]`. `scale`, `B`: `[C]`.
/// - `epsilon`: default 1e-5.
/// - Errors: `.shape` for a rank below 3 or parameters of another size than C.
/// - Source: ONNX InstanceNormalization 1, 6, 22.
public struct InstanceNormalization: FormulaGradient {
  public let epsilon: Float

  public static let schema = Schema(
    "InstanceNormalization", versions: [1, 6, 22],
    inputs: [Parameter("input", .floats), Parameter("scale", .floats), Parameter("B", .floats)],
    outputs: [Parameter("output", .floats)],
    attributes: [epsilonSpec, .consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2, 2], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let b = try Tensor([0, 1, -1] as [Float])
      return [.init(InstanceNormalization(), [x, try Tensor([1, 0.5, 2] as [Float]), b])]
    })

  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }
  public init(reading a: AttributeReader) throws(EngineError) { epsilon = try readEpsilon(a) }
  public var attributes: [Attribute] { epsilonAttribute(epsilon) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count < 3 { throw channelRank("\(x)") }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try commonReal(p, 0..<3)
    let x = try p.input(0).shape
    guard x.rank >= 3 else { throw channelRank("\(x)") }
    try checkChannels("scale", p.input(1), x[1])
    try checkChannels("B", p.input(2), x[1])
    let kernel = GroupNormalize(
      batch: x[0], groups: x[1], channels: 1, size: x.count(of: 2..<x.rank),
      epsilon: Double(epsilon))
    return Prepared(inPlace: 1, label: "instance norm") { m in
      kernel.run(
        dtype, x: m.inputs[0], gain: m.inputs[1], bias: m.inputs[2], into: m.outputs[0],
        pool: m.pool)
    }
  }
}

extension InstanceNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let scale = inputs[1], let bias = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let rank = try knownRank(b, x)
    let y = try normalised(b, x, Array(2..<rank), epsilon: Double(epsilon)).y
    return Few(
      try plus(
        b, times(b, y, perChannel(b, scale, rank: rank)), perChannel(b, bias, rank: rank)))
  }
}
