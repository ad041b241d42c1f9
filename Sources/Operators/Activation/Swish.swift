import Graphs
import Tensors

/// Placeholder family member: replaced by the activation family.
public struct Swish: Operator {
  public static let schema = Schema(
    "Swish", versions: [24], inputs: [Parameter("X", .floats)], outputs: [Parameter("Y", .floats)],
    cases: { [] })
  public init(reading a: AttributeReader) throws(EngineError) {}
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }
}
