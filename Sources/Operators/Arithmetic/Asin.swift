import Graphs
import Kernels
import Tensors

/// Arcsine, in radians.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN outside -1 to 1.
/// - Accuracy: float64 and float32 as the C library; 16-bit floats are rounded once from float32.
/// - Gradient: `dY / sqrt(1 - input^2)`.
/// - Source: ONNX Asin 7, 22.
public struct Asin: UnaryElementwise {
  public static let schema = Schema(
    "Asin", versions: [7, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [0.5, -0.75, 0.25, -0.1, 0.9, -0.3] as [Float])
      return [.init(Asin(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.asin

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let root = try b.apply(Sqrt(), minus(b, 1, times(b, x, x)))
    g.give(0, try over(b, dy, root))
  }
}
