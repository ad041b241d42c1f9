import Graphs
import Kernels
import Tensors

/// Inverse hyperbolic cosine.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN below 1.
/// - Accuracy: float64 and float32 as the C library; 16-bit floats are rounded once from float32.
/// - Gradient: `dY / sqrt(input^2 - 1)`.
/// - Source: ONNX Acosh 9, 22.
public struct Acosh: UnaryElementwise {
  public static let schema = Schema(
    "Acosh", versions: [9, 22], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, 1.1, 4.25, 2.0, 3.25, 9.5] as [Float])
      return [.init(Acosh(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.acosh

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let root = try b.apply(Sqrt(), plus(b, times(b, x, x), -1))
    g.give(0, try over(b, dy, root))
  }
}
