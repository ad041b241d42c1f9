import Graphs
import Kernels
import Tensors

/// The sum of all inputs, element by element.
///
/// - `data_0` and further inputs: float16, bfloat16, float32, float64,
///   one type for all; shapes that broadcast together, as NumPy's do.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Edges: 16-bit floats are added in float32 and rounded once.
/// - Gradient: `dY` for each. Summed over broadcast axes.
/// - Source: ONNX Sum 1, 6, 8, 13.
public struct Sum: Operator {
  public static let schema = Schema(
    "Sum", versions: [1, 6, 8, 13], inputs: [.variadic("data_0", .floats)],
    outputs: [Parameter("sum", .floats)],
    attributes: [.consumedInputs],
    inputCounts: [1: 1...Int.max],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let row = try Tensor([0.4, 3, -2] as [Float])
      let column = try Tensor(shape: [2, 1], [0.3, 1.7] as [Float])
      return [
        .init(Sum(), [a]), .init(Sum(), [row, a]), .init(Sum(), [row, column, a]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try inferVariadic(c)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if p.inputs.count > 2, let wide = try widened(p) { return wide }
    return try prepareVariadic(p, .add)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let dy = try g.upstream()
    for i in 0..<g.inputs.count where g.needs(i) {
      g.give(i, try unbroadcast(b, dy, like: g.input(i)))
    }
  }
}
