import Graphs
import Tensors

/// A value with the gradient of another: what a rounding gives, with the gradient of what was
/// rounded.
///
/// - `y`: float, any shape: what comes out. `x`: the dtype and shape of `y`: where the gradient
///   goes as it is.
/// - Output: the memory of `y`.
/// - Source: domain ai.dlrun 1; Bengio et al. 2013, "Estimating or propagating gradients through
///   stochastic neurons". Lives in training graphs only.
struct StraightThrough: Operator {
  static let schema = Schema(
    "StraightThrough", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("y", .floats, "T"), Parameter("x", .floats, "T")],
    outputs: [Parameter("z", .floats, "T")], isDifferentiable: true, cases: { [] })

  typealias Parameter = Graphs.Parameter

  init() {}
  init(reading a: AttributeReader) throws(EngineError) {}

  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [c.fact(0) ?? Fact(nil, nil)] }
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }

  func gradient<B: Builder>(_ b: B, _ g: inout Backward<B.Value>) throws(EngineError) {
    if g.needs(1) { g.give(1, try g.upstream()) }
  }
}
