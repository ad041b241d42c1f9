import Graphs
import Tensors

/// The element of an optional; a tensor or a sequence as it is.
///
/// - Errors: `.value` for an optional without an element.
/// - Source: ONNX OptionalGetElement 15, 18 (tensors and sequences), 28.
public struct OptionalGetElement: Operator {
  public static let schema = Schema(
    "OptionalGetElement", versions: [15, 18, 28],
    inputs: [Parameter("input", .all, "O", containers: true)],
    outputs: [Parameter("output", .all, "O", containers: true)],
    isDifferentiable: true,
    cases: { [.init(OptionalGetElement(), [try Tensor([1, 2] as [Float])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let fact = c.fact(0) else { return [Fact(nil, nil)] }
    guard case .optional(let held) = fact.type else { return [fact] }
    return [Fact(held ?? .tensor(nil, nil))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    p.has(0) ? .view : .dynamic
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    switch try e.value(0) {
    case .optional(let held?): return [held]
    case .optional(nil): throw EngineError(.value, "the optional has no element")
    case let other: return [other]
    }
  }
}

extension OptionalGetElement {
  /// The gradient of an optional is that of what it holds.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    if g.needs(0) { g.give(0, try g.upstream()) }
  }
}
