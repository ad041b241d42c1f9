import Graphs
import Kernels
import Tensors

/// Logistic function: `Y = 1 / (1 + e^-X)`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: 0 at -inf, 1 at inf.
/// - Accuracy: float32 2.7 ulp; float64 as the C library; 16-bit floats are rounded once from
///   float32.
/// - Gradient: `dY Y (1 - Y)`.
/// - Source: ONNX Sigmoid 1, 6, 13.
public struct Sigmoid: UnaryElementwise {
  public static let schema = Schema(
    "Sigmoid", versions: [1, 6, 13], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Sigmoid(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.sigmoid

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    g.give(0, try times(b, dy, times(b, y, minus(b, 1, y))))
  }
}
