import Graphs
import Tensors

/// The same elements with one more axis, of size 1.
///
/// - `X`: any type, any shape; `axis`: int32, one element, `-rank - 1` to `rank`, the new axis.
/// - Errors: `.attribute` for an axis out of range.
/// - Source: com.microsoft ExpandDims 1.
public struct ExpandDims: Operator {
  public static let schema = Schema(
    "ExpandDims", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("X", .all), Parameter("axis", DTypes(.int32), "", shape: true)],
    outputs: [Parameter("Y", .all)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [
        .init(ExpandDims(), [x, try Tensor(scalar: -1 as Int32)]),
        .init(ExpandDims(), [x, try Tensor([1] as [Int32])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.fact(0), let rank = x.rank else { return [Fact(c.dtype(0), nil)] }
    guard let axes = c.ints(1), axes.count == 1 else {
      return [Fact(x.dtype, c.unknown(rank: rank + 1))]
    }
    return try Unsqueeze(axes: axes).infer(Inference(inputs: [x]))
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try evaluateView(self, e)
  }
}

extension ExpandDims {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try reshape(b, g.upstream(), like: g.input(0)))
  }
}
