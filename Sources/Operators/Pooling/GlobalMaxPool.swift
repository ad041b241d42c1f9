import Graphs
import Kernels
import Tensors

/// The largest element of each channel, over all spatial axes; NaN wins.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`. `Y`: `[N, C, 1, ...]`.
/// - Errors: `.shape` for a rank below 2.
/// - Edges: without elements the result is -inf.
/// - Source: ONNX GlobalMaxPool 1, 22.
public struct GlobalMaxPool: GlobalPooling {
  public static let schema = Schema(
    "GlobalMaxPool", versions: [1, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    cases: { [.init(GlobalMaxPool(), [try poolExample()])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}
  public var kind: PoolKernel.Kind { .max }
}
