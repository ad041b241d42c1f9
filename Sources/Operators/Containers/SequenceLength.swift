import Graphs
import Tensors

/// The number of elements of a sequence, an int64 scalar.
///
/// - Source: ONNX SequenceLength 11.
public struct SequenceLength: Operator {
  public static let schema = Schema(
    "SequenceLength", versions: [11],
    inputs: [Parameter("input_sequence", Containers.types, "S", containers: true)],
    outputs: [Parameter("length", .int64, "I")], cases: { [] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(.int64, [])] }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    [.tensor(try Tensor(scalar: Int64(try e.sequence(0).count)))]
  }
}
