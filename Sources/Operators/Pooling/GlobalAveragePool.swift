import Graphs
import Kernels
import Tensors

/// The mean of each channel: `y = sum(x) / n` over all spatial axes.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`. `Y`: `[N, C, 1, ...]`.
/// - Errors: `.shape` for a rank below 2.
/// - Edges: without elements the result is NaN.
/// - Source: ONNX GlobalAveragePool 1, 22.
public struct GlobalAveragePool: GlobalPooling, FormulaGradient {
  public static let schema = Schema(
    "GlobalAveragePool", versions: [1, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: { [.init(GlobalAveragePool(), [try poolExample()])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}
  public var kind: PoolKernel.Kind { .average(countsPads: false) }
}

extension GlobalAveragePool {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    return Few(try mean(b, x, Array(2..<max(2, knownRank(b, x)))))
  }
}
