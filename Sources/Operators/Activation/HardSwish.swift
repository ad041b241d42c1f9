import Graphs
import Kernels
import Tensors

/// `Y = X max(0, min(1, X / 6 + 0.5))`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: NaN stays.
/// - Gradient: 0 below -3, `dY` above 3, `dY (X / 3 + 0.5)` between.
/// - Source: ONNX HardSwish 14, 22.
public struct HardSwish: UnaryElementwise {
  public static let schema = Schema(
    "HardSwish", versions: [14, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 4.25, 2.0, -1.25, -3.5] as [Float])
      return [.init(HardSwish(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.hardSwish

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let middle = try times(b, dy, plus(b, times(b, x, 1.0 / 3), 0.5))
    let upper = try b.apply(Where(), isGreater(b, x, 3), dy, middle)
    g.give(0, try b.apply(Where(), isLess(b, x, -3), scalar(b, 0, like: x), upper))
  }
}
