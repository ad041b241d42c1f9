import Graphs
import Tensors

/// ScatterElements by its first name.
///
/// - Inputs, attribute, output and errors: those of `ScatterElements` without a reduction.
/// - Source: ONNX Scatter 9, 11; deprecated since 11.
public struct Scatter: Operator {
  fileprivate let op: ScatterElements
  public var axis: Int { op.axis }

  public static let schema = Schema(
    "Scatter", versions: [9, 11], inputs: ScatterElements.schema.inputs,
    outputs: ScatterElements.schema.outputs,
    attributes: [AttributeSpec("axis", .int, "the axis of the indices; default 0")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], (1...6).map { Float($0) })
      let i = try Tensor(shape: [1, 2], [2, 0] as [Int64])
      return [.init(Scatter(), [x, i, try Tensor(shape: [1, 2], [1.5, 2.5] as [Float])])]
    })

  public init(axis: Int = 0) { op = ScatterElements(axis: axis) }
  public init(reading a: AttributeReader) throws(EngineError) {
    op = ScatterElements(axis: try a.int("axis", default: 0))
  }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { try op.infer(c) }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { try op.prepare(p) }
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] { try op.evaluate(e) }
}

extension Scatter {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try op.gradient(b, &g)
  }
}
