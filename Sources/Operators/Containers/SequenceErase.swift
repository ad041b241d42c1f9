import Graphs
import Tensors

/// A sequence without one of its elements.
///
/// - `input_sequence`: a sequence of tensors. `position`: int32 or int64 scalar in `[-n, n - 1]`,
///   negative from the back; default: the last.
/// - Errors: `.value` for a position out of range.
/// - Source: ONNX SequenceErase 11.
public struct SequenceErase: Operator {
  public static let schema = Schema(
    "SequenceErase", versions: [11],
    inputs: [
      Parameter("input_sequence", Containers.types, "S", containers: true),
      .optional("position", .indices, "I"),
    ],
    outputs: [Parameter("output_sequence", Containers.types, "S", containers: true)],
    isDifferentiable: true,
    cases: { [] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.sequence(c.fact(0)?.elementType))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var list = try e.sequence(0)
    guard !list.isEmpty else {
      throw EngineError(.value, "nothing to erase", expected: "at least 1 element", received: "0")
    }
    let at = e.has(1) ? try e.place(1, count: list.count, end: list.count) : list.count - 1
    list.remove(at: at)
    return [.sequence(list)]
  }
}

extension SequenceErase {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let list = try g.input(0)
    let place: ValueID? = g.has(1) ? try b.place(g.input(1), in: list) : nil
    let gone = try zeros(b, like: b.element(of: list, at: place))
    g.give(0, try b.apply(SequenceInsert(), inputs: [try g.upstream(), gone, place]))
  }
}
