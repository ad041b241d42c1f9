import Graphs
import Kernels
import Tensors

/// The derivative of `Gelu`: `P(X) + X p(X)`, with the normal distribution P and its density p.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays; infinities give NaN.
/// - Accuracy: 3e-7 of the largest slope.
/// - Gradient: `dY p(X) (2 - X^2)`.
/// - Source: domain ai.dlrun 1.
public struct GeluSlope: UnaryElementwise {
  public static let schema = Schema(
    "GeluSlope", domain: "ai.dlrun", versions: [1], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(GeluSlope(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.geluSlope

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let square = try times(b, x, x)
    let density = try times(b, b.apply(Exp(), times(b, square, -0.5)), 0.3989422804014327)
    g.give(0, try times(b, dy, times(b, density, minus(b, 2, square))))
  }
}
