import Graphs
import Tensors

/// Gaussian error linear unit: `Y = X / 2 (1 + erf(X / sqrt(2)))`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Source: ONNX Runtime's Gelu of domain com.microsoft, version 1.
public struct ContribGelu: Operator {
  public static let schema = Schema(
    "Gelu", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("X", .floats)], outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [.init(ContribGelu(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { try Gelu().infer(c) }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { try Gelu().prepare(p) }
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) { try Gelu().gradient(b, &g) }
}
