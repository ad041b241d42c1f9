import Graphs
import Tensors

/// A sequence of the given tensors.
///
/// - `inputs...`: tensors of one element type, any shapes.
/// - Errors: `.dtype` when element types differ.
/// - Source: ONNX SequenceConstruct 11.
public struct SequenceConstruct: Operator {
  public static let schema = Schema(
    "SequenceConstruct", versions: [11],
    inputs: [.variadic("inputs", Containers.types)],
    outputs: [Parameter("output_sequence", Containers.types, "S", containers: true)],
    inputCounts: [11: 1...Int.max],
    isDifferentiable: true,
    cases: { [] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    var type: ValueType?
    for case let fact? in c.inputs { type = type?.joined(fact.type) ?? fact.type }
    return [Fact(.sequence(type))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var list: [Value] = []
    for i in e.inputs.indices {
      let t = try e.tensor(i)
      try checkElementType(t, among: list)
      list.append(.tensor(t))
    }
    return [.sequence(list)]
  }
}

extension SequenceConstruct {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    let up = try g.upstream()
    for i in 0..<g.inputs.count where g.needs(i) {
      g.give(i, try b.element(of: up, at: b.constant(Tensor(scalar: Int64(i)))))
    }
  }
}
