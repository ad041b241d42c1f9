import Graphs
import Kernels
import Tensors

/// The mean of each channel: `y = sum(x) / n` over all spatial axes.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`. `Y`: `[N, C, 1, ...]`.
/// - Errors: `.shape` for a rank below 2.
/// - Edges: without elements the result is NaN.
/// - Source: ONNX GlobalAveragePool 1, 22.
public struct GlobalAveragePool: GlobalPooling {
  public static let schema = Schema(
    "GlobalAveragePool", versions: [1, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    cases: { [.init(GlobalAveragePool(), [try poolExample()])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}
  public var kind: PoolKernel.Kind { .average(countsPads: false) }
}
