import Graphs
import Kernels
import Tensors

/// Elements over some axes brought to zero mean and unit variance:
/// `Y = (X - mean) / (sqrt(var) + 1e-9)`.
///
/// - `X`: float dtypes. `axes`: default [0, 2, 3].
/// - Errors: `.attribute` for axes out of range or named twice.
/// - Accuracy: moments in float64, in two passes (the standard's formula takes one).
/// - Source: ONNX MeanVarianceNormalization 9, 13.
public struct MeanVarianceNormalization: FormulaGradient {
  public let axes: [Int]

  public static let schema = Schema(
    "MeanVarianceNormalization", versions: [9, 13], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [AttributeSpec("axes", .ints, "axes to take the moments over; default 0, 2, 3")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2, 2], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      return [
        .init(MeanVarianceNormalization(), [x]),
        .init(MeanVarianceNormalization(axes: [-1]), [x]),
      ]
    })

  public init(axes: [Int] = [0, 2, 3]) { self.axes = axes }
  public init(reading a: AttributeReader) throws(EngineError) {
    axes = try a.ints("axes", default: [0, 2, 3])
  }
  public var attributes: [Attribute] { axes == [0, 2, 3] ? [] : [.ints("axes", axes)] }

  fileprivate func mask(_ rank: Int) throws(EngineError) -> [Bool] {
    try ReduceAxes(axes, noopWithEmptyAxes: true).mask(rank: rank, given: nil)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0) { _ = try mask(rank) }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try commonReal(p, 0..<1)
    let x = try p.input(0).shape
    let mask = try mask(x.rank)
    // The last axes, where they are folded, are runs of neighbours.
    let tail = (0..<x.rank).last { !mask[$0] }.map { $0 + 1 } ?? 0
    func table(_ chosen: [Int]) -> Table {
      Table(sizes: chosen.map { x[$0] }, strides: chosen.map { x.strides[$0] })
    }
    let kept = table((0..<x.rank).filter { !mask[$0] })
    let folded = table((0..<tail).filter { mask[$0] })
    let run = x.count(of: tail..<x.rank)
    return Prepared(label: "mean variance") { m in
      AxisNormalize.meanVariance(
        dtype, m.inputs[0], kept: kept, folded: folded, run: run, into: m.outputs[0],
        pool: m.pool)
    }
  }
}

extension MeanVarianceNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let mask = try mask(knownRank(b, x))
    let folded = mask.indices.filter { mask[$0] }
    let distance = try minus(b, x, mean(b, x, folded))
    let variance = try mean(b, times(b, distance, distance), folded)
    return Few(try over(b, distance, plus(b, b.apply(Sqrt(), variance), 1e-9)))
  }
}
