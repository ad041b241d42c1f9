import Graphs
import Tensors

/// A sequence without elements.
///
/// - `dtype`: the element type its tensors will have; default float32.
/// - Source: ONNX SequenceEmpty 11.
public struct SequenceEmpty: Operator {
  public let dtype: DType

  public static let schema = Schema(
    "SequenceEmpty", versions: [11], inputs: [],
    outputs: [Parameter("output", Containers.types, "S", containers: true)],
    attributes: [AttributeSpec("dtype", .int, "the elements' type number; default 1, float")],
    cases: { [] })

  public init(dtype: DType = .float32) { self.dtype = dtype }
  public init(reading a: AttributeReader) throws(EngineError) {
    dtype = try a.dtype("dtype", default: .float32)
  }
  public var attributes: [Attribute] { [.dtype("dtype", dtype)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.sequence(.tensor(dtype, nil)))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] { [.sequence([])] }
}
