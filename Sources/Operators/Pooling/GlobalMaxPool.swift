import Graphs
import Kernels
import Tensors

/// The largest element of each channel, over all spatial axes; NaN wins.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`. `Y`: `[N, C, 1, ...]`.
/// - Errors: `.shape` for a rank below 2.
/// - Edges: without elements the result is -inf.
/// - Source: ONNX GlobalMaxPool 1, 22.
public struct GlobalMaxPool: GlobalPooling, FormulaGradient {
  public static let schema = Schema(
    "GlobalMaxPool", versions: [1, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: { [.init(GlobalMaxPool(), [try poolExample()])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}
  public var kind: PoolKernel.Kind { .max }
}

extension GlobalMaxPool {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    return Few(try folded(b, ReduceMax(), x, Array(2..<max(2, knownRank(b, x)))))
  }
}
