import Graphs
import Kernels
import Tensors

/// Error function: `output = 2/sqrt(pi) * integral of e^(-t^2) from 0 to input`.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: 1 at inf, -1 at -inf.
/// - Accuracy: float32 1.2 ulp; float64 as the C library; 16-bit floats are rounded once from
///   float32.
/// - Gradient: `dY 2/sqrt(pi) e^(-input^2)`.
/// - Source: ONNX Erf 9, 13.
public struct Erf: UnaryElementwise {
  public static let schema = Schema(
    "Erf", versions: [9, 13], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Erf(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.erf

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let bell = try b.apply(Exp(), b.apply(Neg(), times(b, x, x)))
    g.give(0, try times(b, dy, times(b, bell, 1.1283791670955126)))
  }
}
