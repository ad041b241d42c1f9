import Graphs
import Kernels
import Tensors

/// `Y = ln(1 + e^X)`, written so that it neither overflows nor cancels.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `dY sigmoid(X)`.
/// - Source: ONNX Softplus 1, 22.
public struct Softplus: UnaryElementwise {
  public static let schema = Schema(
    "Softplus", versions: [1, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Softplus(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.softplus

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try times(b, dy, b.apply(Sigmoid(), x)))
  }
}
