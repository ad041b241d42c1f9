import Graphs
import Kernels
import Tensors

/// `output = input / (1 + |input|)`.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays and infinities become NaN, as the formula says.
/// - Gradient: `dY / (1 + |input|)^2`.
/// - Source: ONNX Softsign 1, 22.
public struct Softsign: UnaryElementwise {
  public static let schema = Schema(
    "Softsign", versions: [1, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Softsign(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.softsign

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let d = try plus(b, b.apply(Abs(), x), 1)
    g.give(0, try over(b, dy, times(b, d, d)))
  }
}
