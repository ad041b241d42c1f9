import Graphs
import Tensors

/// ONNX's Range in com.microsoft's domain: `start, start + delta, ...` up to and without `limit`.
///
/// - `start`, `limit`, `delta` (optional, 1): float32, float64, int16, int32 or int64, one element.
/// - Errors: as Range.
/// - Source: com.microsoft Range 1.
public struct ContribRange: CompositeOperator {
  static let types = DTypes(.float32, .float64, .int16, .int32, .int64)

  public static let schema = Schema(
    "Range", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("start", types, shape: true), Parameter("limit", types, shape: true),
      .optional("delta", types, shape: true),
    ],
    outputs: [Parameter("Y", types)],
    isDifferentiable: true,
    cases: {
      let (a, b) = (try Tensor(scalar: 1 as Int64), try Tensor([7] as [Int64]))
      return [
        .init(ContribRange(), [a, b]),
        .init(ContribRange(), [a, b, try Tensor(scalar: 2 as Int64)]),
        .init(
          ContribRange(),
          [
            try Tensor(scalar: 0.5 as Float), try Tensor([3.3] as [Float]),
            try Tensor(scalar: 0.75 as Float),
          ]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let shape = try b.constant(Tensor(shape: [0], [] as [Int64]))
    func scalar(_ i: Int) throws(EngineError) -> B.Value? {
      guard i < inputs.count, let x = inputs[i] else { return nil }
      // One element without axes is what ONNX's Range takes.
      return b.fact(of: x).rank == 0 ? x : try b.apply(Reshape(), x, shape)
    }
    guard let start = try scalar(0), let limit = try scalar(1) else {
      throw EngineError(.arity, "an input is missing")
    }
    if let delta = try scalar(2) { return Few(try b.apply(RangeOp(), start, limit, delta)) }
    let one = try b.apply(CastLike(), b.constant(Tensor(scalar: 1 as Int64)), start)
    return Few(try b.apply(RangeOp(), start, limit, one))
  }
}
