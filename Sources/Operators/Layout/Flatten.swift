import Graphs
import Tensors

/// A matrix of the same elements: the axes before `axis` become rows, the others columns.
///
/// - `input`: any dtype, any shape. `axis`: default 1, -rank to rank; 0 gives one row, the rank
///   one column.
/// - Errors: `.attribute` when `axis` is out of range.
/// - Gradient: the upstream under the input's shape.
/// - Source: ONNX Flatten 1, 9, 11, 13, 21, 23, 24, 25.
public struct Flatten: Operator {
  public let axis: Int

  public static let schema = Schema(
    "Flatten", versions: [1, 9, 11, 13, 21, 23, 24, 25],
    inputs: [Parameter("input", .all)], outputs: [Parameter("output", .all)],
    attributes: [AttributeSpec("axis", .int, "first axis of the columns; default 1")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 2], (1...12).map { Float($0) })
      return [.init(Flatten(), [x]), .init(Flatten(axis: 3), [x]), .init(Flatten(axis: -1), [x])]
    })

  public init(axis: Int = 1) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 1)
  }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), c.unknown(rank: 2))] }
    guard axis >= -x.count, axis <= x.count else {
      throw EngineError(
        .attribute, "axis is out of range", expected: "\(-x.count) to \(x.count)",
        received: "\(axis)")
    }
    let split = axis < 0 ? axis + x.count : axis
    let dims = [x[..<split].reduce(1, *), x[split...].reduce(1, *)]
    return [Fact(integers: c.dtype(0), dims, c.elements(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try evaluateView(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) { g.give(0, try reshape(b, g.upstream(), like: g.input(0))) }
}
