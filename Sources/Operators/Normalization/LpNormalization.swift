import Graphs
import Kernels
import Tensors

/// Slices along an axis scaled to unit norm: `Y = X / (sum |X|^p)^(1/p)`.
///
/// - `input`: float dtypes, rank 1 or more.
/// - Attributes: `axis` default -1; `p` 1 or 2 (default).
/// - Errors: `.attribute` for axis or p.
/// - Edges: a slice of norm 0 stays 0.
/// - Source: ONNX LpNormalization 1, 22.
public struct LpNormalization: FormulaGradient {
  public let axis: Int
  public let p: Int

  public static let schema = Schema(
    "LpNormalization", versions: [1, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    attributes: [
      AttributeSpec("axis", .int, "-rank to rank - 1; default -1"),
      AttributeSpec("p", .int, "order of the norm: 1 or 2 (default)"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, -2, 3, 0.5, 4, -1] as [Float])
      return [
        .init(LpNormalization(), [x]), .init(LpNormalization(axis: 0, p: 1), [x]),
      ]
    })

  public init(axis: Int = -1, p: Int = 2) {
    self.axis = axis
    self.p = p
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: -1)
    p = try a.int("p", default: 2)
    guard p == 1 || p == 2 else {
      throw EngineError(
        .attribute, "attribute 'p' is out of range", expected: "1 or 2", received: "\(p)")
    }
  }
  public var attributes: [Attribute] {
    (axis == -1 ? [] : [.int("axis", axis)]) + (p == 2 ? [] : [.int("p", p)])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0) { _ = try normalisedAxis(axis, rank: rank) }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ prep: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(prep) { return half }
    let dtype = try commonReal(prep, 0..<1)
    let x = try prep.input(0).shape
    let i = try normalisedAxis(axis, rank: x.rank)
    let (outer, n, inner) = (x.count(of: 0..<i), x[i], x.count(of: i + 1..<x.rank))
    let order = p
    return Prepared(inPlace: 1, label: "lp norm") { m in
      AxisNormalize.norm(
        dtype, p: order, m.inputs[0], outer: outer, n: n, inner: inner, into: m.outputs[0],
        pool: m.pool)
    }
  }
}

extension LpNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let i = try normalisedAxis(axis, rank: knownRank(b, x))
    if p == 1 { return Few(try over(b, x, nonzero(b, sum(b, b.apply(Abs(), x), [i])))) }
    let square = try nonzero(b, sum(b, times(b, x, x), [i]))
    return Few(try over(b, x, b.apply(Sqrt(), square)))
  }
}
