import Graphs
import Kernels
import Tensors

/// Natural logarithm: `output = ln(input)`.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: -inf at 0, NaN below.
/// - Accuracy: float32 1 ulp; float64 as the C library; 16-bit floats are rounded once from
///   float32.
/// - Gradient: `dY / input`.
/// - Source: ONNX Log 1, 6, 13.
public struct Log: UnaryElementwise {
  public static let schema = Schema(
    "Log", versions: [1, 6, 13], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, 0.75, 0.25, 2.0, 3.25, 0.5] as [Float])
      return [.init(Log(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.log

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try over(b, dy, x))
  }
}
