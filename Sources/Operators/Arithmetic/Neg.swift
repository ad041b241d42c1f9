import Graphs
import Kernels
import Tensors

/// Negates: `Y = -X`.
///
/// - `X`: float16, bfloat16, float32, float64, int8 to int64, any shape; the result has the same
///   type.
/// - Errors: `.dtype` for other element types.
/// - Edges: the least integer stays as it is.
/// - Gradient: `-dY`.
/// - Source: ONNX Neg 1, 6, 13.
public struct Neg: UnaryElementwise {
  public static let schema = Schema(
    "Neg", versions: [1, 6, 13], inputs: [Parameter("X", .signedNumeric)],
    outputs: [Parameter("Y", .signedNumeric)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Neg(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.neg
  public static func integer(_ x: Dim) -> Dim? { x * -1 }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let dy = try g.upstream()
    g.give(0, try b.apply(Neg(), dy))
  }
}
