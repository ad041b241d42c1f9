import Graphs
import Kernels
import Tensors

/// Sine of an angle in radians.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN at infinities.
/// - Accuracy: float64 as the C library, float32 within 1 ulp; 16-bit floats are rounded once from
///   float32.
/// - Gradient: `dY cos(input)`.
/// - Source: ONNX Sin 7, 22.
public struct Sin: UnaryElementwise {
  public static let schema = Schema(
    "Sin", versions: [7, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Sin(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.sin

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try times(b, dy, b.apply(Cos(), x)))
  }
}
