import Graphs
import Kernels
import Tensors

/// Whether each element is NaN: bool.
///
/// - `X`: float16, bfloat16, float32, float64, float8e4m3fn, float8e4m3fnuz, float8e5m2,
///   float8e5m2fnuz, any shape.
/// - Errors: `.dtype` for other element types.
/// - Source: ONNX IsNaN 9, 13, 20.
public struct IsNaN: UnaryElementwise {
  public static let schema = Schema(
    "IsNaN", versions: [9, 13, 20],
    inputs: [
      Parameter(
        "X",
        [
          .floats, DTypes(.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz),
        ], "T1")
    ],
    outputs: [Parameter("Y", .bool, "T2")],
    cases: {
      let x = try Tensor(shape: [2, 2], [1, .nan, .infinity, -.infinity] as [Float])
      return [.init(IsNaN(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.isNaN

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepareFloatTest(p, .isNaN, parameters) { $0.isNaN }
  }
}
