import Graphs
import Kernels
import Tensors

/// Absolute value: `Y = |X|`.
///
/// - `X`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, any shape; the
///   result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Edges: the least integer stays as it is.
/// - Gradient: `dY sign(X)`; 0 at 0.
/// - Source: ONNX Abs 1, 6, 13.
public struct Abs: UnaryElementwise {
  public static let schema = Schema(
    "Abs", versions: [1, 6, 13], inputs: [Parameter("X", .numeric)],
    outputs: [Parameter("Y", .numeric)],
    attributes: [.consumedInputs],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Abs(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.abs
  public static func integer(_ x: Dim) -> Dim? {
    // Magnitudes of sizes: a symbol alone is a size and not negative.
    x.symbol != nil ? x : x.known.flatMap { $0 == .min ? nil : Dim(Swift.abs($0)) }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    g.give(0, try times(b, dy, b.apply(Sign(), x)))
  }
}
