import Graphs
import Tensors

/// An operator that another one computes: com.microsoft's own form of one of ONNX's, with
/// attributes and inputs that differ in name alone, or hardly more.
public protocol RenamedOperator: Operator {
  associatedtype Inner: Operator
  var inner: Inner { get }
  /// What the inner operator gets for the inputs of this one.
  func innerInputs(_ c: Inference) throws(EngineError) -> [Fact?]
  func innerInputs(_ p: Preparation) throws(EngineError) -> Preparation
}

extension RenamedOperator {
  public func innerInputs(_ c: Inference) throws(EngineError) -> [Fact?] { c.inputs }
  public func innerInputs(_ p: Preparation) throws(EngineError) -> Preparation { p }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try inner.infer(Inference(inputs: try innerInputs(c), outputCount: c.outputCount))
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try inner.prepare(try innerInputs(p))
  }
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] { try inner.evaluate(e) }
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    inner.multiplyAdds(inputs: inputs, outputs: outputs)
  }
}

extension RenamedOperator {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard Self.schema.isDifferentiable else {
      throw EngineError(
        .notDifferentiable, "the operator has no gradient",
        subject: .init(operatorName: Self.schema.name))
    }
    try inner.gradient(b, &g)
  }
}
