import Graphs
import Kernels
import Tensors

/// The axes from `axis` on brought to zero mean and unit variance:
/// `Y = (X - mean) / sqrt(var + epsilon) * Scale + B`.
///
/// - `X`: float dtypes. `Scale`, `B` (optional): of X's type, broadcasting to X.
/// - Attributes: `axis` default -1; `epsilon` default 1e-5; `stash_type` 1 (float32, default) or
///   16 (bfloat16), the type of the other outputs.
/// - Outputs: `Y`; `Mean` and `InvStdDev`, X's shape with 1 from `axis` on.
/// - Errors: `.attribute` for axis or stash_type; `.shape` for parameters that do not broadcast.
/// - Accuracy: two passes, sums in fixed lanes with float64 totals. float16 and bfloat16 are
///   computed in float32, float64 in float64 (the standard allows float32).
/// - Source: ONNX LayerNormalization 17; ONNX Runtime writes it under earlier opsets as well, with
///   the same meaning.
public struct LayerNormalization: FormulaGradient {
  public let axis: Int
  public let epsilon: Float
  public let stash: DType

  public static let schema = Schema(
    "LayerNormalization", versions: [1, 17],
    inputs: [Parameter("X", .floats), Parameter("Scale", .floats), .optional("B", .floats)],
    outputs: [
      Parameter("Y", .floats), .optional("Mean", DTypes(.float32, .bfloat16), "U"),
      .optional("InvStdDev", DTypes(.float32, .bfloat16), "U"),
    ],
    attributes: [
      AttributeSpec("axis", .int, "first normalised axis; default -1"), epsilonSpec,
      AttributeSpec("stash_type", .int, "type of Mean and InvStdDev: 1 float32, 16 bfloat16"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let scale = try Tensor([1, 0.5, 2, -1] as [Float])
      let b = try Tensor([0, 0.25, -1, 1] as [Float])
      return [
        .init(LayerNormalization(), [x, scale, b]),
        .init(LayerNormalization(), [x, scale], outputCount: 3),
        .init(
          LayerNormalization(axis: 1, epsilon: 1e-3),
          [x, try Tensor(shape: [3, 4], (1...12).map { Float($0) }), nil]),
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
    guard let x = c.dims(0) else {
      return [Fact(c.dtype(0), nil), Fact(stash, nil), Fact(stash, nil)]
    }
    let first = try normalisedAxis(axis, rank: x.count)
    let moments = Fact(stash, x[..<first] + x[first...].map { _ in 1 })
    return [Fact(c.dtype(0), x), moments, moments]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try commonReal(p, 0..<3)
    let x = try p.input(0).shape
    let first = try normalisedAxis(axis, rank: x.rank)
    let gainAt = try parameterPlaces(p.input(1).shape, in: x, axis: first, name: "Scale")
    let hasBias = p.has(2)
    let biasAt =
      hasBias ? try parameterPlaces(p.input(2).shape, in: x, axis: first, name: "B") : nil
    let kernel = RowNormalize(
      rows: x.count(of: 0..<first), n: x.count(of: first..<x.rank), epsilon: Double(epsilon),
      centers: true, gainAt: gainAt, biasAt: biasAt)
    let (wantsMean, wantsInverse) = (p.wants(1), p.wants(2))
    return Prepared(label: "layer norm") { m in
      kernel.run(
        dtype, x: m.inputs[0], gain: m.inputs[1],
        bias: hasBias ? UnsafeRawPointer(m.inputs[2]) : nil, into: m.outputs[0],
        mean: wantsMean ? m.output(1) : nil, inverse: wantsInverse ? m.output(2) : nil,
        pool: m.pool)
    }
  }
}

/// The attribute `stash_type`.
///
/// Errors: `.attribute` for another type than float32 and bfloat16.
func readStash(_ a: AttributeReader) throws(EngineError) -> DType {
  let stash = try a.dtype("stash_type", default: .float32)
  guard stash == .float32 || stash == .bfloat16 else {
    throw EngineError(
      .attribute, "attribute 'stash_type' has no legal value", expected: "1 or 16",
      received: "\(stash.rawValue)")
  }
  return stash
}

extension LayerNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let scale = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let rank = try knownRank(b, x)
    let axes = Array(try normalisedAxis(axis, rank: rank)..<rank)
    let (plain, mean, inverse) = try normalised(b, x, axes, epsilon: Double(epsilon))
    var y = try times(b, plain, scale)
    if inputs.count > 2, let bias = inputs[2] { y = try plus(b, y, bias) }
    var results = [y]
    if outputs > 1 { results.append(try b.apply(Cast(to: stash), mean)) }
    if outputs > 2 { results.append(try b.apply(Cast(to: stash), inverse)) }
    return Few(results)
  }
}

extension LayerNormalization {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, scale) = (try g.input(0), try g.input(1))
    let first = try normalisedAxis(axis, rank: knownRank(b, x))
    let isPlain = g.upstreams.array.dropFirst().allSatisfy { $0 == nil }
    let bias = g.has(2) ? try g.input(2) : scale
    guard isPlain, let up = g.upstreams[0], isTrailing(b, scale, x, from: first),
      isTrailing(b, bias, x, from: first)
    else {
      try gradientOfFormula(b, &g)
      return
    }
    let made = try b.apply(
      LayerNormalizationGradient(axis: axis, epsilon: epsilon), inputs: [x, scale, up], outputs: 3)
    for i in 0..<3 where g.needs(i) { g.give(i, made[i]) }
  }
}
