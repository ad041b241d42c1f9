import Graphs
import Kernels
import Tensors

/// The gradients of `LayerNormalization` and `RMSNormalization` by their inputs.
///
/// With `z = (X - mean) / sqrt(var + epsilon)` over the axes from `axis` on and `g = dY Scale`:
/// `dX = (g - mean(g) - z mean(g z)) / sqrt(var + epsilon)`, `dScale` the sums of `dY z`, `dB` those
/// of `dY`; without centring `mean` and `mean(g)` are 0 and `var` the mean square.
///
/// - `X`, `dY`: one float dtype and shape. `Scale`: their dtype, the sizes from `axis` on.
/// - Attributes: `axis` default -1; `epsilon` default 1e-5; `centers` default 1, 0 for
///   RMSNormalization.
/// - Outputs: `dX`; `dScale` and `dB`, of Scale's shape.
/// - Errors: `.shape` for operands that do not fit; `.attribute`.
/// - Accuracy: as LayerNormalization; sums over rows in their order; the same for any number of
///   threads.
/// - Gradient: from the formula.
/// - Source: domain ai.dlrun 1.
public struct LayerNormalizationGradient: FormulaGradient {
  public let axis: Int
  public let epsilon: Float
  public let centers: Bool

  public static let schema = Schema(
    "LayerNormalizationGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", .floats), Parameter("Scale", .floats), Parameter("dY", .floats),
    ],
    outputs: [
      Parameter("dX", .floats), .optional("dScale", .floats), .optional("dB", .floats),
    ],
    attributes: [
      AttributeSpec("axis", .int, "first normalised axis; default -1"),
      AttributeSpec("centers", .int, "0: mean squares instead of variances; default 1"),
      epsilonSpec,
    ], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let dy = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 5) % 24) * 0.2 - 2 })
      let scale = try Tensor([1, 0.5, 2, -1] as [Float])
      let wide = try Tensor(shape: [3, 4], (1...12).map { Float($0) / 4 })
      return [
        .init(LayerNormalizationGradient(), [x, scale, dy], outputCount: 3),
        .init(LayerNormalizationGradient(axis: 1, epsilon: 1e-3), [x, wide, dy], outputCount: 3),
        .init(LayerNormalizationGradient(centers: false), [x, scale, dy], outputCount: 2),
      ]
    })

  public init(axis: Int = -1, epsilon: Float = 1e-5, centers: Bool = true) {
    self.axis = axis
    self.epsilon = epsilon
    self.centers = centers
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: -1)
    epsilon = try readEpsilon(a)
    centers = try a.bool("centers", default: true)
  }
  public var attributes: [Attribute] {
    (axis == -1 ? [] : [.int("axis", axis)]) + (centers ? [] : [.bool("centers", false)])
      + epsilonAttribute(epsilon)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0) { _ = try normalisedAxis(axis, rank: rank) }
    let scale = Fact(c.dtype(1), c.dims(1))
    return [Fact(c.dtype(0), c.dims(0)), scale, scale]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p, mixed: true) { return half }
    let dtype = try commonReal(p, 0..<3)
    let x = try p.input(0).shape
    let first = try normalisedAxis(axis, rank: x.rank)
    guard try p.input(2).shape == x,
      try p.input(1).shape.count == x.count(of: first..<x.rank)
    else {
      throw EngineError(
        .shape, "the operands do not fit", expected: "\(x) and the sizes from axis \(first) on",
        received: "\(try p.input(2).shape) and \(try p.input(1).shape)")
    }
    let kernel = NormGradient(
      .rows(centers: centers), count: x.count(of: 0..<first), n: x.count(of: first..<x.rank),
      epsilon: Double(epsilon), threads: p.options.threads)
    let wants = (p.wants(0), p.wants(1), p.wants(2))
    return Prepared(scratchBytes: kernel.scratchBytes(dtype), label: "norm gradient") { m in
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
    let axes = Array(try normalisedAxis(axis, rank: rank)..<rank)
    let g = try times(b, dy, scale)
    var (z, inverse): (B.Value, B.Value)
    var inner: B.Value
    if centers {
      let parts = try normalised(b, x, axes, epsilon: Double(epsilon))
      (z, inverse) = (parts.y, parts.inverse)
      inner = try minus(b, g, mean(b, g, axes))
    } else {
      let square = try mean(b, times(b, x, x), axes)
      inverse = try b.apply(Reciprocal(), b.apply(Sqrt(), plus(b, square, Double(epsilon))))
      z = try times(b, x, inverse)
      inner = g
    }
    inner = try minus(b, inner, times(b, z, mean(b, times(b, g, z), axes)))
    var results = [try times(b, inverse, inner)]
    if outputs > 1 { results.append(try unbroadcast(b, times(b, dy, z), like: scale)) }
    if outputs > 2 { results.append(try unbroadcast(b, dy, like: scale)) }
    return Few(results)
  }
}

/// Whether `scale` has the sizes of `x` from axis `first` on, and their type.
func isTrailing<B: Builder>(
  _ b: B, _ scale: B.Value, _ x: B.Value, from first: Int
) -> Bool {
  guard let own = b.fact(of: scale).dims, let dims = b.fact(of: x).dims else { return false }
  return own == Array(dims[first...]) && b.fact(of: scale).dtype == b.fact(of: x).dtype
}
