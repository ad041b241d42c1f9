import Graphs
import Tensors

/// The input itself, shared.
///
/// - `input`: a tensor of any dtype and shape, a sequence or an optional.
/// - Gradient: the upstream.
/// - Source: ONNX Identity 1, 13, 14 (sequences), 16 (optionals), 19, 21, 23, 24, 25.
public struct Identity: Operator {
  public static let schema = Schema(
    "Identity", versions: [1, 13, 14, 16, 19, 21, 23, 24, 25],
    inputs: [Parameter("input", .all, "V", containers: true)],
    outputs: [Parameter("output", .all, "V", containers: true)], isDifferentiable: true,
    cases: { [.init(Identity(), [try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [c.fact(0) ?? Fact(nil, nil)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] { [try e.value(0)] }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) { g.give(0, try g.upstream()) }
}
