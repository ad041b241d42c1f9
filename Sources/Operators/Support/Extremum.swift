import Graphs
import Kernels
import Tensors

/// Max and Min: of all inputs the largest or the smallest, element by element.
///
/// - `data_0` and further inputs: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64,
///   one type for all; shapes that broadcast together, as NumPy's do.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Edges: NaN in any input gives NaN.
/// - Gradient: `dY` where the input is the result; all that tie get it. Summed over broadcast axes.
public protocol Extremum: Operator {
  static var isLargest: Bool { get }
  init()
}

extension Extremum {
  static func extremumSchema(_ name: String, _ output: String) -> Schema {
    Schema(
      name, versions: [1, 6, 8, 12, 13], inputs: [.variadic("data_0", .numeric)],
      outputs: [Parameter(output, .numeric)], attributes: [.consumedInputs],
      inputCounts: [1: 1...Int.max], isDifferentiable: true,
      cases: {
        let a = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
        let row = try Tensor([0.4, 3, -2] as [Float])
        let column = try Tensor(shape: [2, 1], [0.3, 1.7] as [Float])
        return [.init(Self(), [a]), .init(Self(), [row, a]), .init(Self(), [row, column, a])]
      })
  }

  public init(reading a: AttributeReader) throws(EngineError) { self.init() }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try inferVariadic(c) { Self.isLargest ? Dim.max($0, $1) : Dim.min($0, $1) }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepareVariadic(p, Self.isLargest ? .max : .min)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let y = g.output, dy = try g.upstream()
    for i in 0..<g.inputs.count where g.needs(i) {
      let x = try g.input(i)
      let part = try masked(b, dy, where: b.apply(Equal(), x, y))
      g.give(i, try unbroadcast(b, part, like: x))
    }
  }
}
