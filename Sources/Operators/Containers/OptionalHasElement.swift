import Graphs
import Tensors

/// Whether an optional holds an element: a bool scalar.
///
/// - `input`: an optional; a tensor or a sequence (opset 18) gives true; absent gives false.
/// - Source: ONNX OptionalHasElement 15, 18, 28.
public struct OptionalHasElement: Operator {
  public static let schema = Schema(
    "OptionalHasElement", versions: [15, 18, 28],
    inputs: [Parameter("input", .all, "O", kind: .optional, containers: true)],
    outputs: [Parameter("output", .bool, "B")],
    inputCounts: [15: 1...1, 18: 0...1],
    cases: {
      [
        .init(OptionalHasElement(), [try Tensor([1, 2] as [Float])]),
        .init(OptionalHasElement(), []),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(.bool, [])] }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let holds: Bool
    switch e.inputs.first ?? nil {
    case nil, .optional(nil)?: holds = false
    default: holds = true
    }
    return [.tensor(try Tensor(scalar: holds))]
  }
}
