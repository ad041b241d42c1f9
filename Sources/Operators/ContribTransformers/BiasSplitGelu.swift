import Graphs
import Tensors

/// A gated feed-forward: with `Z = X + bias` and `Z = [L, R]` in halves of the last axis,
/// `Y = L gelu(R)`.
///
/// - `X`: float16 or float32 `[N, S, D]`, D even; `bias`: `[D]`. Output `Y` `[N, S, D / 2]`.
/// - Errors: `.shape` for a bias of another length or an odd D.
/// - Source: ONNX Runtime's BiasSplitGelu of domain com.microsoft, version 1.
public struct BiasSplitGelu: CompositeOperator {
  static let types = DTypes(.float16, .float32)
  public static let schema = Schema(
    "BiasSplitGelu", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("X", types), Parameter("bias", types)], outputs: [Parameter("Y", types)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 1, 4], [1.5, -0.75, 0.25, 2, -1.25, 0.5, 1, -2] as [Float])
      return [.init(BiasSplitGelu(), [x, try Tensor([0.5, -1, 0.25, 1] as [Float])])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let bias = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let dims = b.fact(of: x).dims
    try checkRowBias(dims, b.fact(of: bias).dims, "bias")
    if let n = dims?.last?.known, n % 2 != 0 {
      throw EngineError(.shape, "the last axis is odd", expected: "an even size", received: "\(n)")
    }
    let halves = try b.apply(
      Split(axis: -1, parts: 2), inputs: [b.apply(Add(), x, bias)], outputs: 2)
    return Few(try times(b, halves[0], b.apply(Gelu(), halves[1])))
  }
}
