import Graphs
import Kernels
import Tensors

/// Rectifier: `Y = max(0, X)`.
///
/// - `X`: float16, bfloat16, float32, float64, int8 to int64, any shape; the result has the same
///   type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: `dY` where `X > 0`, 0 elsewhere.
/// - Source: ONNX Relu 1, 6, 13, 14.
public struct Relu: UnaryElementwise {
  public static let schema = Schema(
    "Relu", versions: [1, 6, 13, 14], inputs: [Parameter("X", .signedNumeric)],
    outputs: [Parameter("Y", .signedNumeric)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Relu(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.relu

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try masked(b, dy, where: isGreater(b, x, 0)))
  }
}
