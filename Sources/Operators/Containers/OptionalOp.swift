import Graphs
import Tensors

/// An optional that holds the input, or nothing.
///
/// - `input`: a tensor or a sequence; absent for an optional without an element.
/// - `type`: the type of the element, where there is no input.
/// - Errors: `.attribute` when neither an input nor a type is given.
/// - Named `OptionalOp` because `Optional` is Swift's.
/// - Source: ONNX Optional 15, 28.
public struct OptionalOp: Operator {
  public let type: ValueType?

  public static let schema = Schema(
    "Optional", versions: [15, 28],
    inputs: [Parameter("input", .all, "V", kind: .optional, containers: true)],
    outputs: [Parameter("output", .all, "O", containers: true)],
    attributes: [AttributeSpec("type", .type, "of the element, where there is no input")],
    isDifferentiable: true,
    cases: { [] })

  public init(type: ValueType? = nil) { self.type = type }
  public init(reading a: AttributeReader) throws(EngineError) {
    switch a.find("type") {
    case nil:
      guard a.inputCount > 0 else {
        throw EngineError(
          .attribute, "an optional without an element needs its type", expected: "attribute 'type'")
      }
      type = nil
    case .type(let t)?: type = t
    case let other?:
      throw EngineError(
        .attribute, "attribute 'type' has the wrong type", expected: "type",
        received: String("\(other)".prefix { $0 != "(" }))
    }
  }
  public var attributes: [Attribute] { type.map { [Attribute("type", .type($0))] } ?? [] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.optional(c.fact(0)?.type ?? type))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    [.optional(e.has(0) ? try e.value(0) : nil)]
  }
}

extension OptionalOp {
  /// The gradient of an optional is that of what it holds.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    if g.needs(0) { g.give(0, try g.upstream()) }
  }
}
