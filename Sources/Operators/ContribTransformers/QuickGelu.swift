import Graphs
import Tensors

/// A cheap stand-in for Gelu: `Y = X sigmoid(alpha X)`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `alpha`: default 1.702.
/// - Source: ONNX Runtime's QuickGelu of domain com.microsoft, version 1.
public struct QuickGelu: FormulaGradient {
  public let alpha: Float

  public static let schema = Schema(
    "QuickGelu", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("X", .floats)], outputs: [Parameter("Y", .floats)],
    attributes: [AttributeSpec("alpha", .float, "factor inside the sigmoid; default 1.702")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [.init(QuickGelu(), [x]), .init(QuickGelu(alpha: 1), [x])]
    })

  public init(alpha: Float = 1.702) { self.alpha = alpha }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1.702)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try Swish(alpha: alpha).prepare(p)
  }
}

extension QuickGelu {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    return Few(try b.apply(Swish(alpha: alpha), x))
  }
}
