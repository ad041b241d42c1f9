import Graphs
import Kernels
import Tensors

/// Square root: `Y = sqrt(X)`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN below 0; -0 stays.
/// - Accuracy: correctly rounded.
/// - Gradient: `dY / (2 Y)`.
/// - Source: ONNX Sqrt 1, 6, 13.
public struct Sqrt: UnaryElementwise {
  public static let schema = Schema(
    "Sqrt", versions: [1, 6, 13], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, 0.75, 0.25, 2.0, 3.25, 0.5] as [Float])
      return [.init(Sqrt(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.sqrt

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    g.give(0, try over(b, times(b, dy, 0.5), y))
  }
}
