import Graphs
import Kernels
import Tensors

/// Tangent of an angle in radians.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN at infinities.
/// - Accuracy: float64 and float32 as the C library; 16-bit floats are rounded once from float32.
/// - Gradient: `dY (1 + output^2)`.
/// - Source: ONNX Tan 7, 22.
public struct Tan: UnaryElementwise {
  public static let schema = Schema(
    "Tan", versions: [7, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [0.5, -0.75, 0.25, -0.1, 0.9, -0.3] as [Float])
      return [.init(Tan(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.tan

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    g.give(0, try times(b, dy, plus(b, times(b, y, y), 1)))
  }
}
