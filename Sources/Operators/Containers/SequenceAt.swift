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
    outputs: [Parameter("tensor", Containers.types)], cases: { [] })

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
