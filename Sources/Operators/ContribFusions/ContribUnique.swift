import Graphs
import Tensors

/// The different elements of a vector in the order of their first occurrence.
///
/// - `x`: any type but packed ones, `[n]`.
/// - Results: `y`, the elements; `idx`, int64 `[n]`, the place in `y` of each element of x;
///   `counts`, int64, how often each element of y occurs.
/// - Errors: `.shape` for another rank.
/// - Source: com.microsoft Unique 1. ONNX Runtime takes float32.
public struct ContribUnique: Operator {
  public static let schema = Schema(
    "Unique", domain: "com.microsoft", versions: [1], inputs: [Parameter("x", Expand.types)],
    outputs: [
      Parameter("y", Expand.types), Parameter("idx", .int64, ""), Parameter("counts", .int64, ""),
    ],
    isDifferentiable: true,
    cases: {
      [
        .init(ContribUnique(), [try Tensor([2, 1, 1, 3, 4, 3] as [Int64])], outputCount: 3),
        .init(ContribUnique(), [try Tensor([2, 1, 3, 0.5] as [Float])], outputCount: 3),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0), rank != 1 {
      throw EngineError(
        .shape, "the input is no vector", expected: "rank 1", received: "rank \(rank)")
    }
    let count = c.unknown()
    return [
      Fact(c.dtype(0), [count]), Fact(.int64, c.dims(0) ?? [c.unknown()]), Fact(.int64, [count]),
    ]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let all = try e.run(Unique(isSorted: false), e.inputs, outputs: 4)
    return Array([all[0], all[2], all[3]].prefix(e.outputCount))
  }
}

extension ContribUnique {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let all =
      g.outputs.count > 2
      ? g.outputs : try b.apply(self, inputs: [try g.input(0)], outputs: 3)
    g.give(
      0,
      try Unique(isSorted: false).shared(
        b, g.upstream(), inverse: all[1], counts: all[2], axis: nil))
  }
}
