import Graphs
import Kernels
import Tensors

/// Whether each element is infinite: bool.
///
/// - `X`: float16, bfloat16, float32, float64, float8e4m3fn, float8e4m3fnuz, float8e5m2,
///   float8e5m2fnuz, any shape.
/// - `detect_negative`, `detect_positive`: whether that infinity counts; default 1.
/// - Errors: `.dtype` for other element types.
/// - Source: ONNX IsInf 10, 20.
public struct IsInf: UnaryElementwise {
  public let detectNegative: Bool
  public let detectPositive: Bool

  public static let schema = Schema(
    "IsInf", versions: [10, 20],
    inputs: [
      Parameter(
        "X",
        [
          .floats, DTypes(.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz),
        ], "T1")
    ],
    outputs: [Parameter("Y", .bool, "T2")],
    attributes: [
      AttributeSpec("detect_negative", .int, "whether -inf counts; default 1"),
      AttributeSpec("detect_positive", .int, "whether +inf counts; default 1"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 2], [1, .nan, .infinity, -.infinity] as [Float])
      return [.init(IsInf(), [x]), .init(IsInf(detectNegative: false), [x])]
    })

  public init(detectNegative: Bool = true, detectPositive: Bool = true) {
    self.detectNegative = detectNegative
    self.detectPositive = detectPositive
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    detectNegative = try a.bool("detect_negative", default: true)
    detectPositive = try a.bool("detect_positive", default: true)
  }
  public var attributes: [Attribute] {
    [.bool("detect_negative", detectNegative), .bool("detect_positive", detectPositive)]
  }

  public static let kernel = UnaryOp.isInf
  public var parameters: (Double, Double) { (detectNegative ? 1 : 0, detectPositive ? 1 : 0) }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepareFloatTest(p, .isInf, parameters) { x in
      x.isInfinite && (x < 0 ? detectNegative : detectPositive)
    }
  }
}
