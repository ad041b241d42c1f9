import Graphs
import Tensors

/// Its input, as a constant to gradients: `detached()` and `withoutGradient` in captured graphs.
///
/// - `x`: any dtype and shape. Output: the same memory.
/// - Gradient: none flows.
/// - Source: domain ai.dlrun 1. Lives in captured training graphs only, which bind it themselves.
struct StopGradient: Operator {
  static let schema = Schema(
    "StopGradient", domain: "ai.dlrun", versions: [1], inputs: [Parameter("x", .all)],
    outputs: [Parameter("y", .all)], isDifferentiable: true, cases: { [] })

  typealias Parameter = Graphs.Parameter

  init() {}
  init(reading a: AttributeReader) throws(EngineError) {}

  func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [c.fact(0) ?? Fact(nil, nil)]
  }
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }

  func gradient<B: Builder>(_ b: B, _ g: inout Backward<B.Value>) throws(EngineError) {}
}
