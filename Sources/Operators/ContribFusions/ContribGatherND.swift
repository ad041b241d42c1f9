import Graphs
import Tensors

/// ONNX's GatherND in com.microsoft's domain: slices of a tensor at tuples of indices.
///
/// - `data`: any type but packed ones; `indices`: int32 or int64. Shapes, errors: as GatherND.
/// - Source: com.microsoft GatherND 1.
public struct ContribGatherND: CompositeOperator {
  public static let schema = Schema(
    "GatherND", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("data", Expand.types), Parameter("indices", .indices, "Tind")],
    outputs: [Parameter("output", Expand.types)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 2], (0..<8).map { Float($0 + 1) })
      return [
        .init(ContribGatherND(), [x, try Tensor(shape: [2, 2], [0, 1, 1, -2] as [Int32])]),
        .init(ContribGatherND(), [x, try Tensor(shape: [1, 1], [1] as [Int64])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count == 2, let x = inputs[0], let indices = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let isNarrow = b.fact(of: indices).dtype == .int32
    return Few(
      try b.apply(GatherND(), x, isNarrow ? b.apply(Cast(to: .int64), indices) : indices))
  }
}
