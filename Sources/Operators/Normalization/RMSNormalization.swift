import Graphs
import Kernels
import Tensors

/// The axes from `axis` on brought to unit mean square: `Y = X / sqrt(mean(X^2) + epsilon) * scale`.
///
/// - `X`: float dtypes. `scale`: float dtypes, broadcasting to X; `Y` has its type.
/// - Attributes: `axis` default -1; `epsilon` default 1e-5; `stash_type` 1 (default) or 16, kept
///   and otherwise without effect: halves are computed in float32.
/// - Errors: `.attribute` for axis or stash_type; `.shape` for a scale that does not broadcast.
/// - Source: ONNX RMSNormalization 23.
public struct RMSNormalization: FormulaGradient {
  public let axis: Int
  public let epsilon: Float
  public let stash: DType

  public static let schema = Schema(
    "RMSNormalization", versions: [23],
    inputs: [Parameter("X", .floats), Parameter("scale", .floats, "V")],
    outputs: [Parameter("Y", .floats, "V")],
    attributes: [
      AttributeSpec("axis", .int, "first normalised axis; default -1"), epsilonSpec,
      AttributeSpec("stash_type", .int, "type of the first stage: 1 float32, 16 bfloat16"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      return [
        .init(RMSNormalization(), [x, try Tensor([1, 0.5, 2, -1] as [Float])]),
        .init(
          RMSNormalization(axis: 1, epsilon: 1e-3),
          [x, try Tensor(shape: [3, 4], (1...12).map { Float($0) })]),
      ]
    })

  public init(axis: Int = -1, epsilon: Float = 1e-5, stash: DType = .float32) {
    self.axis = axis
    self.epsilon = epsilon
    self.stash = stash
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: -1)
    epsilon = try readEpsilon(a)
    stash = try readStash(a)
  }
  public var attributes: [Attribute] {
    (axis == -1 ? [] : [.int("axis", axis)]) + epsilonAttribute(epsilon)
      + (stash == .float32 ? [] : [.dtype("stash_type", stash)])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0) { _ = try normalisedAxis(axis, rank: rank) }
    return [Fact(c.dtype(1), c.dims(0))]
  }

  /// Plans SimplifiedLayerNormalization as well, which has the inverse deviation as second output.
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p, mixed: true) { return half }
    let dtype = try commonReal(p, 0..<2)
    let x = try p.input(0).shape
    let first = try normalisedAxis(axis, rank: x.rank)
    let kernel = RowNormalize(
      rows: x.count(of: 0..<first), n: x.count(of: first..<x.rank), epsilon: Double(epsilon),
      centers: false,
      gainAt: try parameterPlaces(p.input(1).shape, in: x, axis: first, name: "scale"))
    let (wantsY, wantsInverse) = (p.wants(0), p.wants(1))
    // Among operands of mixed types the second output may be asked for in float64.
    let rows = x.count(of: 0..<first)
    let widens = wantsInverse ? try p.output(1).dtype == .float64 : false
    var scratch = ScratchLayout()
    let spare = try scratch.take(wantsY ? 0 : x.count, width: dtype.byteSize)
    let narrow = try scratch.take(widens ? rows : 0)
    return Prepared(scratchBytes: scratch.bytes, label: "rms norm") { m in
      let inverse = (m.scratch + narrow).assumingMemoryBound(to: Float.self)
      kernel.run(
        dtype, x: m.inputs[0], gain: m.inputs[1], bias: nil,
        into: wantsY ? m.outputs[0] : m.scratch + spare, mean: nil,
        inverse: widens ? inverse : wantsInverse ? m.output(1) : nil, pool: m.pool)
      guard widens else { return }
      for r in 0..<rows { m.output(1, Double.self)[r] = Double(inverse[r]) }
    }
  }
}

extension RMSNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let scale = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let rank = try knownRank(b, x)
    let axes = Array(try normalisedAxis(axis, rank: rank)..<rank)
    let square = try mean(b, times(b, x, x), axes)
    let inverse = try b.apply(Reciprocal(), b.apply(Sqrt(), plus(b, square, Double(epsilon))))
    let y = try times(b, cast(b, times(b, x, inverse), like: scale), scale)
    return outputs > 1 ? Few(y, inverse) : Few(y)
  }
}

extension RMSNormalization {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, scale) = (try g.input(0), try g.input(1))
    let first = try normalisedAxis(axis, rank: knownRank(b, x))
    guard g.upstreams.count == 1, let up = g.upstreams[0], isTrailing(b, scale, x, from: first)
    else {
      try gradientOfFormula(b, &g)
      return
    }
    let op = LayerNormalizationGradient(axis: axis, epsilon: epsilon, centers: false)
    let made = try b.apply(op, inputs: [x, scale, up], outputs: 2)
    for i in 0..<2 where g.needs(i) { g.give(i, made[i]) }
  }
}
