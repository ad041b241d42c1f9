import Graphs
import Kernels
import Tensors

/// Gelu of a sum: `C = Z / 2 (1 + erf(Z / sqrt(2)))` with `Z = A + B`.
///
/// - `A`: float16, bfloat16, float32, float64, any shape; `B`: `[N]`, N the last size of A.
/// - Errors: `.shape` for a bias of another length.
/// - Source: ONNX Runtime's BiasGelu of domain com.microsoft, version 1.
public struct BiasGelu: FormulaGradient {
  public static let schema = Schema(
    "BiasGelu", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("A", .floats), Parameter("B", .floats)],
    outputs: [Parameter("C", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [.init(BiasGelu(), [x, try Tensor([0.5, -1, 0.25] as [Float])])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkRowBias(c.dims(0), c.dims(1), "B")
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try biasedUnary(p, .gelu)
  }
}

extension BiasGelu {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let bias = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    return Few(try b.apply(Gelu(), plus(b, x, bias)))
  }
}
