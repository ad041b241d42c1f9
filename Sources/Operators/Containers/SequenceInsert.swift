import Graphs
import Tensors

/// A sequence with one more element.
///
/// - `input_sequence`: a sequence of tensors. `tensor`: of the same element type. `position`: int32
///   or int64 scalar in `[-n, n]`, negative from the back; default: behind the last.
/// - Errors: `.value` for a position out of range, `.dtype` for another element type.
/// - Source: ONNX SequenceInsert 11.
public struct SequenceInsert: Operator {
  public static let schema = Schema(
    "SequenceInsert", versions: [11],
    inputs: [
      Parameter("input_sequence", Containers.types, "S", containers: true),
      Parameter("tensor", Containers.types), .optional("position", .indices, "I"),
    ],
    outputs: [Parameter("output_sequence", Containers.types, "S", containers: true)],
    isDifferentiable: true,
    cases: { [] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let fact = c.fact(1) else { return [Fact(.sequence(c.fact(0)?.elementType))] }
    return [Fact(.sequence(c.fact(0)?.elementType?.joined(fact.type)))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var list = try e.sequence(0)
    let t = try e.tensor(1)
    try checkElementType(t, among: list)
    let at = e.has(2) ? try e.place(2, count: list.count, end: list.count + 1) : list.count
    list.insert(.tensor(t), at: at)
    return [.sequence(list)]
  }
}

extension SequenceInsert {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    let (list, up) = (try g.input(0), try g.upstream())
    let place: ValueID? = g.has(2) ? try b.place(g.input(2), in: list) : nil
    if g.needs(0) { g.give(0, try b.apply(SequenceErase(), inputs: [up, place])) }
    if g.needs(1) { g.give(1, try b.element(of: up, at: place)) }
  }
}
