import Graphs
import Tensors

/// One element of a sequence.
///
/// - `input_sequence`: a sequence of tensors. `position`: int32 or int64 scalar in `[-n, n - 1]`,
///   negative from the back.
/// - Errors: `.value` for a position out of range.
/// - Source: ONNX SequenceAt 11.
public struct SequenceAt: Operator {
  public static let schema = Schema(
    "SequenceAt", versions: [11],
    inputs: [
      Parameter("input_sequence", Containers.types, "S", containers: true),
      Parameter("position", .indices, "I"),
    ],
    outputs: [Parameter("tensor", Containers.types)], isDifferentiable: true, cases: { [] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.fact(0)?.elementType?.opened(c) ?? .tensor(nil, nil))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let list = try e.sequence(0)
    return [list[try e.place(1, count: list.count, end: list.count)]]
  }
}

extension SequenceAt {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  /// Zeros, but for the element that was taken.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let list = try g.input(0)
    let place = try b.place(g.input(1), in: list)
    let others = try b.apply(SequenceErase(), b.zeroSequence(like: list), place)
    g.give(0, try b.apply(SequenceInsert(), others, g.upstream(), place))
  }
}
