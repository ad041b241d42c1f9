import Graphs
import Tensors

/// The Blackman window.
///
/// - Formula: `0.42 - 0.5 cos(2 pi i / n) + 0.08 cos(4 pi i / n)`, where `n` is the size, or one less
///   when symmetric.
/// - `size`: int32 or int64 scalar. Output: `[size]`.
/// - `output_datatype`: any numeric type, default float32; integers drop the fraction. `periodic`: 0
///   for the symmetric window; default 1.
/// - Errors: `.shape` for a negative size.
/// - Edges: the symmetric window of size 1 is 1.
/// - Accuracy: computed in float64, rounded once.
/// - Source: ONNX BlackmanWindow 17.
public struct BlackmanWindow: Operator {
  public let dtype: DType
  public let isPeriodic: Bool

  public static let schema = Schema(
    "BlackmanWindow", versions: [17], inputs: Signal.windowInputs, outputs: Signal.windowOutputs,
    attributes: Signal.windowSpecs,
    cases: {
      let size = try Tensor(scalar: 6 as Int64)
      return [
        .init(BlackmanWindow(), [size]),
        .init(BlackmanWindow(dtype: .float64, isPeriodic: false), [size]),
      ]
    })

  public init(dtype: DType = .float32, isPeriodic: Bool = true) {
    self.dtype = dtype
    self.isPeriodic = isPeriodic
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    dtype = try a.dtype("output_datatype", default: .float32)
    isPeriodic = try a.bool("periodic", default: true)
  }
  public var attributes: [Attribute] {
    [.dtype("output_datatype", dtype), .bool("periodic", isPeriodic)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Signal.inferWindow(c, dtype)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try Signal.window(p, isPeriodic: isPeriodic, 0.42, 0.5, 0.08)
  }
}
