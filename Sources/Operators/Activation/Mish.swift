import Graphs
import Kernels
import Tensors

/// `Y = X tanh(ln(1 + e^X))`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `dY (t + X sigmoid(X) (1 - t^2))` with `t = tanh(ln(1 + e^X))`.
/// - Source: ONNX Mish 18, 22.
public struct Mish: UnaryElementwise {
  public static let schema = Schema(
    "Mish", versions: [18, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Mish(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.mish

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let t = try b.apply(Tanh(), b.apply(Softplus(), x))
    let slope = try times(b, b.apply(Sigmoid(), x), minus(b, 1, times(b, t, t)))
    g.give(0, try times(b, dy, plus(b, t, times(b, x, slope))))
  }
}
